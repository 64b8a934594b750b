"""A number without a unit in a target name: what it may be besides a dose or an index.

Standard: AAPM TG-263 report, principles T3 and T6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tg263_scp.naming.standard.grammar import TARGET_TYPES
from tg263_scp.naming.targets.slots import Slots
from tg263_scp.naming.words.letters import Token

_BREATHING_PHASES = frozenset({20.0, 30.0, 40.0, 50.0})
"""Phases of a 4D-CT, in percent, that a number of Gy may be as well; 60 and more are doses."""
_BREATHING_TYPES = frozenset({"GTV", "ITV", "IGTV"})
_YEARS = (1990, 2035)
_ROUND_CGY = 50
"""A prescription of some 2000 cGy is a multiple of this; ``PTV 2000`` is no year."""
BARE_GY = (20, 86)
"""Doses, least and most, that a number without a unit may be in Gy; a boost may have less."""
_LEAST_BOOST_GY = 10
_LEAST_DECIMAL_BOOST_GY = 3
"""With decimals a boost is told from an index: ``PTV boost 5.4`` has three fractions of 1.8 Gy."""
BARE_CGY = (1000, 9999)
_STATIONS = frozenset({"4", "7", "10", "11"})
"""Stations of the mediastinum that are spoken of at any site; in the thorax there are fourteen, 3 also with a and p."""
_MOST_STATIONS = 14
_LEAST_UNLIKELY_INDEX = 6
"""Index from which a number that stands apart may be a dose as well."""
_MOST_VERTEBRAE = 12
_LONGEST_COUNT = 2
_VERTEBRAE = frozenset({"c", "t", "l", "s", "th", "d"})
"""Letters of cervical, thoracic (dorsal), lumbar and sacral vertebrae."""
_MOST_DAYS = 31
_MOST_MONTHS = 12
_FIELD_STRENGTHS_T = frozenset({"1.5", "3", "7"})


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a target name at its place: the tokens, what was filled before it, and the packs' words beside numbers."""

    tokens: Sequence[Token]
    at: int
    slots: Slots
    number_words: Mapping[str, str]
    behind: str
    """What stood last before it: ``type``, ``side``, ``sign`` ..."""

    @property
    def token(self) -> Token:
        """The number itself."""
        return self.tokens[self.at]

    @property
    def value(self) -> float:
        """Its value."""
        return float(self.token.text)

    @property
    def whole(self) -> bool:
        """It has no decimals."""
        return "." not in self.token.text

    @property
    def before(self) -> str:
        """The token before it."""
        return self.tokens[self.at - 1].text if self.at else ""

    @property
    def after(self) -> str:
        """The token after it."""
        return self.tokens[self.at + 1].text if self.at + 1 < len(self.tokens) else ""

    @property
    def role_after(self) -> str:
        """What the packs say of the token after it."""
        return self.number_words.get(self.after, "")

    @property
    def after_joined(self) -> bool:
        """The token after it is written together with it."""
        return bool(self.after) and self.tokens[self.at + 1].joined


def is_length(number: Number) -> bool:
    """``PTV 5 mm``."""
    return number.role_after in ("mm", "cm")


def counts_fractions(number: Number) -> bool:
    """``PTV 3 x 18``, ``PTV 5 fx``: without a unit nothing says which number is the dose."""
    return number.after == "x" or (number.role_after == "fractions" and len(number.after) > 1)


def is_phase(number: Number) -> bool:
    """``GTV 50 ph``."""
    return number.after == "ph"


def is_share(number: Number) -> bool:
    """``GTV 41%``."""
    return number.after == "%"


def is_ordinal(number: Number) -> bool:
    """``CTV 3rd``."""
    return number.after_joined and number.role_after == "ordinal"


def is_field_strength(number: Number) -> bool:
    """``GTV 3T``."""
    apart = not number.token.joined
    return number.after_joined and number.after == "t" and apart and number.token.text in _FIELD_STRENGTHS_T


def may_be_year(number: Number) -> bool:
    """``PTV 2024``."""
    first, last = _YEARS
    return number.whole and first <= number.value <= last and bool(number.value % _ROUND_CGY)


def may_be_date(number: Number) -> bool:
    """``PTV 24.03`` and ``PTV 2403``; ``54.12`` and ``2400`` are doses."""
    text = number.token.text
    if number.whole:
        days = {(text[:2], text[2:]), (text[2:], text[:2])} if len(text) == 4 and number.value % 5 else set()
    else:
        day, _, month = text.partition(".")
        days = {(day, month)} if len(day) == len(month) == 2 else set()
    return any(1 <= int(day) <= _MOST_DAYS and 1 <= int(month) <= _MOST_MONTHS for day, month in days)


def may_be_breathing_phase(number: Number) -> bool:
    """``GTV 50``."""
    breathing = number.slots.type in _BREATHING_TYPES and number.slots.classifier in ("", "p")
    return breathing and number.value in _BREATHING_PHASES


def may_be_copy(number: Number) -> bool:
    """``CTV70.1`` may be the first copy of 70; no unit says that it is one number."""
    return number.token.text.endswith(".1")


def may_be_two_doses(number: Number) -> bool:
    """``CTV54,60`` may be two levels."""
    first, _, second = number.token.text.partition(".")
    least_gy, most_gy = BARE_GY
    return "," in number.token.raw and len(second) == 2 and least_gy <= int(first) < int(second) <= most_gy


def may_be_station(number: Number) -> bool:
    """``GTV 4R`` and ``GTV LN7`` may name a station of the mediastinum."""
    if number.slots.dose:
        return False
    spoken_of = number.number_words.get(number.before) == "node" and len(number.before) > 1
    if _is_sided(number):
        return number.token.text in _STATIONS or (spoken_of and number.value <= _MOST_STATIONS)
    return number.token.text == "7" and spoken_of


def may_be_vertebra(number: Number) -> bool:
    """``PTV T4`` and ``PTV L2`` may name a vertebra, ``CTVn_L4`` a level; ``PTV54L2`` counts what lies on one side."""
    if not number.whole or number.value > _MOST_VERTEBRAE or number.slots.dose or _is_classifier_t(number):
        return False
    return number.token.joined and number.before in _VERTEBRAE


def counts_custom(number: Number) -> bool:
    """The 1 of ``PTV_Met1`` and ``PTV phase 1`` belongs to the word that has no slot: it is no index of the target."""
    return number.behind == "custom" and number.whole and len(number.token.text) == 1 and number.value >= 1


def is_behind_image(number: Number) -> bool:
    """``GTV PET 4`` may be a threshold."""
    return number.number_words.get(number.before, "").partition(" ")[0] in ("CT", "MR", "PT")


def range_of_vertebrae(tokens: Sequence[Token], at: int) -> int:
    """Return how many tokens name vertebrae from one to another (``T5-T7``, ``L2-4``); 0 where none do."""
    if not (_is_vertebra(tokens, at) and [t.text for t in tokens[at + 2 : at + 3]] == ["-"]):
        return 0
    if _is_vertebra(tokens, at + 3):
        return 5
    last = tokens[at + 3 : at + 4]
    return 4 if last and last[0].joined and _counts_vertebra(last[0]) else 0


def _is_vertebra(tokens: Sequence[Token], at: int) -> bool:
    pair = tokens[at : at + 2]
    return len(pair) == 2 and pair[0].text in _VERTEBRAE and pair[1].joined and _counts_vertebra(pair[1])


def _counts_vertebra(token: Token) -> bool:
    return (
        len(token.text) <= _LONGEST_COUNT
        and token.text.isdecimal()
        and 1 <= int(token.text) <= _MOST_VERTEBRAE
    )


def is_index(number: Number) -> bool:
    """One digit from 1, two with a leading zero, or a number below 20 that is joined to a classifier (``n12``)."""
    one_digit = len(number.token.text) == 1 or _is_padded(number) or _counts_classified(number)
    return number.whole and one_digit and number.value >= 1


def is_bare_dose(number: Number) -> bool:
    """``54`` and ``59.4`` are Gy, ``5400`` is cGy; a boost may have less than 20 Gy."""
    least_cgy, most_cgy = BARE_CGY
    if number.whole and least_cgy <= number.value <= most_cgy:
        return True
    least_gy, most_gy = BARE_GY
    if number.slots.qualifier == "Boost":
        least_gy = _LEAST_BOOST_GY if number.whole else _LEAST_DECIMAL_BOOST_GY
    return least_gy <= number.value <= most_gy


def may_be_crop(number: Number) -> bool:
    """``PTV breast R - 4`` and ``PTV - 4`` may be cut back by 4 mm; ``PTV-1`` is the first."""
    glued = number.token.joined and number.at > 0 and number.tokens[number.at - 1].joined
    return number.before == "-" and bool(number.slots.words or number.slots.sides or not glued)


def may_be_revision(number: Number) -> bool:
    """``GTV R3``."""
    return number.token.joined and number.behind == "side" and not number.slots.dose


def may_be_neck_level(number: Number) -> bool:
    """``PTV neck 4``, or ``4 PTV neck``."""
    return number.tokens[number.at - 1].text == "neck"  # before the first token stands the last


def may_count_copies(number: Number) -> bool:
    """``CTV60L_2``, ``PTV high_1`` and ``PTV (2)``."""
    behind_level = bool(number.slots.level) and not number.token.joined
    return bool(number.slots.dose) or behind_level or number.before == "("


def may_be_rank(number: Number) -> bool:
    """``1 GTV``, ``2 CTV`` and ``3 PTV`` may be sorted so."""
    return number.at == 0 and not number.slots.type


def may_be_dose(number: Number) -> bool:
    """``PTV 8``: an eighth target is rare, 8 Gy are not."""
    apart = not number.token.joined and len(number.token.text) == 1
    return apart and number.value >= _LEAST_UNLIKELY_INDEX


def may_be_phase_or_plan(number: Number) -> bool:
    """``PTV_P1`` may be the first of primaries, plans or phases; ``PTVp1`` is written as the standard has it."""
    if number.slots.type != "PTV" or number.at < 2 or not number.token.joined or number.before != "p":
        return False
    letter = number.tokens[number.at - 1]
    return not (letter.joined and letter.raw == "p")


def may_be_numbered_node(number: Number) -> bool:
    """Tell whether a number would be that of a station if the target lies in the thorax: ``GTV 2R``, ``CTV N7``, ``3P``."""
    if number.token.text == "3" and number.after_joined and number.after in ("a", "p"):
        return True
    return _is_sided(number) or (number.value >= 5 and number.number_words.get(number.before) == "node")


def _is_padded(number: Number) -> bool:
    """Tell whether a number is an index by its leading zero: ``GTV 03``; ``PTV_05`` may be a margin, ``- 05`` a crop."""
    text = number.token.text
    small = len(text) == 2 and text[0] == "0" and number.before != "-" and bool(number.slots.type)
    return small and (number.slots.type == "GTV" or int(text) <= 2)


def _counts_classified(number: Number) -> bool:
    """``GTV_n12`` and ``CTVp10``; from 20 on it is a dose."""
    return number.behind == "classifier" and number.token.joined and number.value < BARE_GY[0]


def _is_sided(number: Number) -> bool:
    return number.after_joined and number.after in ("l", "r")


def _is_classifier_t(number: Number) -> bool:
    """The small t of ``CTVt1`` is a classifier."""
    if number.at < 2:
        return False
    first, letter = number.tokens[number.at - 2 : number.at]
    return letter.raw == "t" and letter.joined and first.text.upper() in TARGET_TYPES
