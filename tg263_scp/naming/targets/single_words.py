"""A single word of a target name: what it is, what it may be as well, and which slot it fills.

Standard: AAPM TG-263 report, principles T2-T10.
"""

from __future__ import annotations

from dataclasses import dataclass

from tg263_scp.naming.standard.grammar import CLASSIFIERS, TARGET_TYPES
from tg263_scp.naming.targets.doubts import Doubt
from tg263_scp.naming.targets.slots import Slots
from tg263_scp.naming.words.letters import Token, squeeze
from tg263_scp.naming.words.lexicon import EVERYWHERE, Lexicon

_LONGEST_INITIALS = 3
"""Letters before a target type up to which a dose level may be somebody's initials (``MDGTV``)."""
_NEVER_INITIALS = frozenset({"mid", "low"})
_LEVELS = frozenset({"High", "Mid", "Low"})
_LONGEST_LEVEL_LETTERS = 2
"""Letters of ``HR`` and ``BD``, which stand for a risk or a dose and never for a place, unless a pack says so (``LO``)."""
_QUALIFIERS = frozenset({"Boost", "Eval", "Preop", "Postop"})
_ROMAN_INDEX = {"ii": "2", "iii": "3"}
"""Roman numbers of targets; one letter alone may be anything, and *IV* is a vein's or a level's."""
DOUBTS_OF_PACKS = {
    doubt.value: doubt
    for doubt in (
        Doubt.BED_OR_VESICLES,
        Doubt.PLACE_BESIDE_STRUCTURE,
        Doubt.PLACE_OR_CLASSIFIER,
        Doubt.PLACE_OR_LEVEL,
        Doubt.RISK_OR_INITIALS,
    )
}
"""What a language pack may say of a word (its ``doubtful_words``)."""


def role_of(token: Token, lexicon: Lexicon) -> str:
    """Return what the packs say a word is in a target (``n``, ``High``, ``Boost``, ``CSI``), empty where nothing."""
    return lexicon.target_words.get(token.text, "")


def has_slot(word: str, lexicon: Lexicon) -> bool:
    """Tell whether a word fills a slot of a target by itself and names no place or technique (``n``, ``high``, ``boost``)."""
    return lexicon.target_words.get(word) in {*CLASSIFIERS, *_LEVELS, *_QUALIFIERS}


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a target name at its place.

    ``role`` is what the packs say it is in a target (``n``, ``High``, ``Boost``, ``CSI``), ``side`` the side it says.
    ``spelt_out`` tells that it is a classifier as the standard writes it, joined to the type (``PTVsb``), ``behind_type`` that
    it follows the type, ``doubtful`` what a pack says it may be as well.
    """

    token: Token
    role: str
    side: str
    spelt_out: bool
    behind_type: bool
    doubtful: Doubt | None

    @property
    def text(self) -> str:
        """The word, folded."""
        return self.token.text


def word_at(token: Token, slots: Slots, lexicon: Lexicon) -> Word:
    """Return a word with what the packs and its place say of it; before the type a short level may be initials (``MDGTV``)."""
    text = token.text
    behind_type = slots.last == "type"
    spelt_out = text in CLASSIFIERS and token.joined and behind_type and token.raw != "V"  # 'PTVV' is a slip
    role = text if spelt_out else role_of(token, lexicon)
    doubtful = None if spelt_out else DOUBTS_OF_PACKS.get(lexicon.doubtful_words.get(text, ""))
    may_be_initials = len(text) <= _LONGEST_INITIALS and text not in _NEVER_INITIALS
    if role in _LEVELS and not slots.type and may_be_initials and doubtful is not Doubt.RISK_OR_INITIALS:
        role = ""
    return Word(token, role, _side(text, lexicon), spelt_out, behind_type, doubtful)


def may_be_place(word: Word, slots: Slots) -> bool:
    """``CTV BR`` is the low risk of French or a breast, ``PTV par`` parenchyma, parietal or parametrial."""
    return word.doubtful is Doubt.PLACE_OR_CLASSIFIER


def may_be_vesicles(word: Word, slots: Slots) -> bool:
    """``PTV SB``."""
    return word.doubtful is Doubt.BED_OR_VESICLES


def may_be_somebody(word: Word, slots: Slots) -> bool:
    """``LR PTV``: brachytherapy writes risks before a CTV only (``HR-CTV``, GEC-ESTRO)."""
    return slots.risk_first and word.text.upper() in TARGET_TYPES and word.text != "ctv"


def is_taken_off(word: Word, slots: Slots) -> bool:
    """``GTV - neck``; the minus of ``PTV-CSI`` only parts the words."""
    apart = not word.token.joined or word.doubtful is Doubt.PLACE_BESIDE_STRUCTURE
    return slots.behind_minus and apart and is_custom(word, slots)


def is_type(word: Word, slots: Slots) -> bool:
    """``PTV``."""
    return word.text.upper() in TARGET_TYPES


def take_type(word: Word, slots: Slots, lexicon: Lexicon) -> None:
    """Fill the type."""
    slots.type = word.text.upper()
    slots.used.append(("types", squeeze(word.token.raw)))


def is_side(word: Word, slots: Slots) -> bool:
    """``L``, ``rechts``."""
    return bool(word.side)


def take_side(word: Word, slots: Slots, lexicon: Lexicon) -> None:
    """Note a side; it goes to the structure, or behind ``^``."""
    slots.sides.append(word.side)
    slots.said.append(word.token)
    slots.small = slots.small or word.token.raw in ("l", "r")
    slots.used.append(("sides", word.text))


def is_classifier(word: Word, slots: Slots) -> bool:
    """``n``, ``nodal``, ``lit tumoral``."""
    return word.role in CLASSIFIERS


def take_classifier(word: Word, slots: Slots, lexicon: Lexicon) -> None:
    """Fill the classifier; a single letter and a word for nodes are remembered."""
    slots.put("classifier", word.role)
    slots.letters.update({word.text} if len(word.text) == 1 and not word.spelt_out else ())
    slots.nodal.extend([word.token] if word.role == "n" and len(word.text) > 1 else [])
    slots.used.append(("target_words", word.text))


def is_level(word: Word, slots: Slots) -> bool:
    """``high``, ``HR``, ``basse dose``."""
    return word.role in _LEVELS


def take_level(word: Word, slots: Slots, lexicon: Lexicon) -> None:
    """Fill the dose level; ``high`` alone may be a place, ``high risk`` and ``PTVhigh`` are none."""
    slots.put("level", word.role)
    risk = word.doubtful is Doubt.RISK_OR_INITIALS
    slots.risk_first = slots.risk_first or (risk and not slots.type)
    slots.risk = risk or _speaks_of("risk", word.text, lexicon)
    placed = len(word.text) > _LONGEST_LEVEL_LETTERS or word.doubtful is Doubt.PLACE_OR_LEVEL
    glued = word.behind_type and word.token.joined
    slots.place_level = placed and not (slots.risk or _speaks_of("dose", word.text, lexicon) or glued)
    slots.used.append(("target_words", word.text))


def is_qualifier(word: Word, slots: Slots) -> bool:
    """``boost``, ``postop``."""
    return word.role in _QUALIFIERS


def take_qualifier(word: Word, slots: Slots, lexicon: Lexicon) -> None:
    """Fill the structure slot with what is no anatomy (principle T5); a second such word goes behind ``^``."""
    if slots.qualifier and slots.qualifier != word.role:
        slots.custom.append(word.role)
    else:
        slots.qualifier = word.role
    slots.used.append(("target_words", word.text))


def is_custom(word: Word, slots: Slots) -> bool:
    """``CSI``, ``neck``; before the type two letters may be initials."""
    elsewhere = is_side(word, slots) or is_classifier(word, slots) or is_level(word, slots)
    said = bool(word.role) and (bool(slots.type) or len(word.text) >= _LONGEST_INITIALS)
    return said and not elsewhere and not is_qualifier(word, slots)


def take_custom(word: Word, slots: Slots, lexicon: Lexicon) -> None:
    """Keep it for what stands behind ``^``."""
    slots.custom.append(word.role)
    slots.place = slots.place or word.doubtful is Doubt.PLACE_BESIDE_STRUCTURE
    slots.used.append(("target_words", word.text))


def is_roman_index(word: Word, slots: Slots) -> bool:
    """``PTV III``."""
    return word.text in _ROMAN_INDEX and word.behind_type


def take_roman_index(word: Word, slots: Slots, lexicon: Lexicon) -> None:
    """Fill the number."""
    slots.roman = True
    slots.put("number", _ROMAN_INDEX[word.text])


def is_classifier_and_side(word: Word, slots: Slots) -> bool:
    """``PTVnR`` and ``CTVsbL``."""
    glued = word.behind_type and word.token.joined
    return glued and word.text[:-1] in CLASSIFIERS and word.text[-1] in ("l", "r")


def take_classifier_and_side(word: Word, slots: Slots, lexicon: Lexicon) -> None:
    """Part the two."""
    slots.put("classifier", word.text[:-1])
    slots.sides.append(word.text[-1].upper())


def is_anything_else(word: Word, slots: Slots) -> bool:
    """``larynx``."""
    return True


def keep_for_structure(word: Word, slots: Slots, lexicon: Lexicon) -> None:
    """Let it wait for the structure slot."""
    slots.cut_off = slots.cut_off or slots.behind_minus
    slots.words_first = slots.words_first or not slots.type
    slots.words.append(word.token)
    slots.said.append(word.token)


def _speaks_of(what: str, word: str, lexicon: Lexicon) -> bool:
    """Tell whether a piece of the word says *dose* or *risk*, so that its *high* is no part of an organ."""
    return any(piece in word for piece, meant in lexicon.level_words.items() if meant == what)


def _side(word: str, lexicon: Lexicon) -> str:
    meanings = lexicon.sides.get(word, {})
    everywhere = {meanings[language] for language in meanings if language in EVERYWHERE}
    sides = everywhere or (set(meanings.values()) if len(word) > 2 else set())
    side = next(iter(sides)) if len(sides) == 1 else ""
    return side if side in ("L", "R") else ""
