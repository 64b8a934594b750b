"""The parts of a target name as they come: each word and number is given the slot it belongs to, or waits for a structure.

What may be read in two ways fills no slot but raises a doubt: a number that may be an index, a dose, a vertebra or a copy; a
second dose; a letter that is a side in one language and a classifier in all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tg263_scp.naming.organs.parts import SEPARATORS, is_mark
from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.grammar import CLASSIFIERS, TARGET_TYPES
from tg263_scp.naming.targets.doubts import Doubt, first_doubt
from tg263_scp.naming.targets.numbers import image_set, take_number
from tg263_scp.naming.targets.slots import Slots
from tg263_scp.naming.words.letters import Token, ends_in_capital, squeeze, tokenise
from tg263_scp.naming.words.lexicon import EVERYWHERE, Lexicon, Sense

_LONGEST_WORDING = 4
"""Words of the longest way to write one part of a target name."""
_LONGEST_INITIALS = 3
"""Letters before a target type up to which a dose level may be somebody's initials (``MDGTV``)."""
_NEVER_INITIALS = frozenset({"mid", "low"})
_TYPE = re.compile(r"i?[gc]tv|itv|ptv")
_SITE_WORDS = re.compile(r"(?<![^\W_])h\s*&\s*n(?![^\W_])", re.IGNORECASE)
_LEVELS = frozenset({"High", "Mid", "Low"})
_LONGEST_LEVEL_LETTERS = 2
"""Letters of ``HR`` and ``BD``, which stand for a risk or a dose and never for a place, unless a pack says so (``LO``)."""
_QUALIFIERS = frozenset({"Boost", "Eval", "Preop", "Postop", "TumorBed", "SurgicalBed", "ProstateBed"})
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
_LEAST_DOSE_GY = 20
"""Number behind a minus from which it is a dose: ``N3-57.5`` is an index and a dose, ``40-56`` a range."""


@lru_cache(maxsize=4096)
def type_tokens(query: Query, lexicon: Lexicon) -> tuple[tuple[Token, ...], int]:
    """Return the tokens with each target type standing alone (``RtPTVn`` -> ``rt ptv n``), and how many types there are.

    ``h&n`` is a word for the site and is left out.
    """
    out: list[Token] = []
    count = 0
    for token in _joined_words(tokenise(_SITE_WORDS.sub(" ", query.text), camel=False), lexicon):
        pieces = list(_part_type(token, lexicon)) if token.is_word else [token]
        count += sum(piece.text.upper() in TARGET_TYPES for piece in pieces)
        out.extend(pieces)
    return tuple(out), count


def _joined_words(tokens: Sequence[Token], lexicon: Lexicon) -> Iterator[Token]:
    """Put words that mean one thing together into one token: ``gross tumor volume``, ``haute dose``."""
    at = 0
    while at < len(tokens):
        for size in range(min(_LONGEST_WORDING, len(tokens) - at), 1, -1):
            words = [t for t in tokens[at : at + size] if t.text != "-"]  # 'High-Risk'
            if len(words) < 2 or "-" in (tokens[at].text, tokens[at + size - 1].text):
                continue
            text = "".join(t.text for t in words) if all(len(t.text) > 1 for t in words) else ""
            own = lexicon.types.get(text, "").lower() or (text if text in lexicon.target_words else "")
            if own:
                yield Token(own, " ".join(t.raw for t in words), tokens[at].joined)
                at += size
                break
        else:
            yield tokens[at]
            at += 1


def _part_type(token: Token, lexicon: Lexicon) -> Sequence[Token]:
    own = lexicon.types.get(token.text)
    if own:
        return [Token(own.lower(), token.raw, token.joined)]
    if len(token.raw) != len(token.text) or token.text in lexicon.vocabulary:
        return [token]  # the 'pitvar' is the atrium of Hungarian hearts
    match = _TYPE.search(token.text)
    if not match:
        if not ends_in_capital(token.raw) or token.text in lexicon.target_words:
            return [token]
        return [
            Token(token.text[:-1], token.raw[:-1], token.joined),
            Token(token.text[-1], token.raw[-1], True),
        ]
    # in 'sigtv' or 'rigtv' the i belongs to the type; in 'larynxgtv' nothing precedes it
    cuts = [token.raw[: match.start()], match.group(), token.raw[match.end() :]]
    joined = [token.joined, bool(cuts[0]) or token.joined, True]
    rest = _part_type(Token(cuts[2].casefold(), cuts[2], True), lexicon) if cuts[2] else []
    before = [Token(cuts[0].casefold(), cuts[0], joined[0])] if cuts[0] else []
    return [*before, Token(cuts[1], cuts[1], joined[1]), *rest]


def fill(tokens: Sequence[Token], lexicon: Lexicon) -> Slots:
    """Give every token of a target name its slot, from left to right, until all have one or a doubt arises."""
    slots = Slots()
    at = 0
    while at < len(tokens) and not slots.doubt:
        at += next(width for take in TAKINGS if (width := take(tokens, at, slots, lexicon)))
    return slots


def _number(tokens: Sequence[Token], at: int, slots: Slots, lexicon: Lexicon) -> int:
    """``54``, ``5400 cGy``, ``3x18Gy``."""
    return take_number(tokens, at, slots, lexicon.number_words) if tokens[at].is_number else 0


def _image_set(tokens: Sequence[Token], at: int, slots: Slots, lexicon: Lexicon) -> int:
    """``MR 2``, ``PET1``."""
    imaging = image_set(tokens[at : at + 3], lexicon.number_words)
    if not imaging:
        return 0
    slots.put("imaging", imaging)
    slots.used.append(("number_words", tokens[at].text))
    slots.last = "imaging"
    return 2


def _words_of_one_structure(tokens: Sequence[Token], at: int, slots: Slots, lexicon: Lexicon) -> int:
    """``BWK 8``, ``loge prostatique``."""
    if not tokens[at].is_word:
        return 0
    width = _words_together(tokens[at : at + _LONGEST_WORDING], slots, lexicon)
    if width:
        slots.words.extend(tokens[at : at + width])
        slots.said.extend(tokens[at : at + width])
        slots.words_first = slots.words_first or not slots.type
        slots.last = "word"
    return width


def _single_word(tokens: Sequence[Token], at: int, slots: Slots, lexicon: Lexicon) -> int:
    """``larynx``, ``boost``, ``L``."""
    if not tokens[at].is_word:
        return 0
    _take_word(tokens[at], slots, lexicon)
    return 1


def _sign(tokens: Sequence[Token], at: int, slots: Slots, lexicon: Lexicon) -> int:
    """``-``, ``(``, ``!``."""
    _take_sign(tokens, at, slots)
    return 1


TAKINGS: tuple[Callable[[Sequence[Token], int, Slots, Lexicon], int], ...] = (
    _number,
    _image_set,
    _words_of_one_structure,
    _single_word,
    _sign,
)
"""What stands next in a name, in the order it is asked; each returns how many tokens it took, 0 where it is something else."""


def _words_together(ahead: Sequence[Token], slots: Slots, lexicon: Lexicon) -> int:
    """Return how many of the tokens ahead mean one thing and may not be taken word by word; 0 where none do.

    These are numbered structures (``BWK 8``, ``rib 5``, ``VB L3``) and phrases with a word that has a role of its own when
    alone (``loge prostatique``, ``mid esophagus``). A doubt arises where the list has no such structure (the midbrain).
    """
    if len(ahead[0].text) < 2:
        return _vertebra_and_word(ahead, lexicon)
    for size in range(len(ahead), 1, -1):
        window = ahead[:size]
        roles = [_role(token, lexicon) for token in window]
        if not all(t.is_word for t in window[:-1]) or not (window[-1].is_word or window[-1].is_number):
            continue
        if all(roles) or not (window[-1].is_number or any(roles)):
            continue
        senses = {phrase.sense for phrase in lexicon.find([token.text for token in window])}
        if Sense.STRUCTURE in senses:
            return 0 if not window[-1].is_number and set(roles) <= {"", "n"} else size
        if senses:
            slots.leave(Doubt.PLACE_AMBIGUOUS if Sense.AMBIGUOUS in senses else Doubt.PLACE_UNLISTED)
    return 0


def _vertebra_and_word(ahead: Sequence[Token], lexicon: Lexicon) -> int:
    """Return how many tokens name a vertebra whose number comes first: ``L4 vertebra``, ``T8 vertebral body``."""
    for size in range(len(ahead), 2, -1):
        words = ahead[2:size]
        if not (ahead[1].is_number and ahead[1].joined and all(len(t.text) > 1 and t.is_word for t in words)):
            continue
        found = lexicon.find([token.text for token in ahead[:size]])
        if found and all(phrase.means.startswith("VB_") for phrase in found):
            return size
    return 0


def has_slot(word: str, lexicon: Lexicon) -> bool:
    """Tell whether a word fills a slot of a target by itself and names no place or technique (``n``, ``high``, ``boost``)."""
    return lexicon.target_words.get(word) in {*CLASSIFIERS, *_LEVELS, *_QUALIFIERS}


def _role(token: Token, lexicon: Lexicon) -> str:
    return lexicon.target_words.get(token.text, "")


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign of a target name at its place."""

    tokens: Sequence[Token]
    at: int

    @property
    def text(self) -> str:
        """The sign itself."""
        return self.tokens[self.at].text


def _take_sign(tokens: Sequence[Token], at: int, slots: Slots) -> None:
    sign = Sign(tokens, at)
    if sign.text == "!":
        slots.segmented = True
        return
    slots.leave(first_doubt(DOUBTS_OF_SIGNS, sign))
    slots.behind_minus = sign.text == "-" and bool(slots.type)
    slots.last = "sign"


def has_no_slot(sign: Sign) -> bool:
    """``PTV+GTV``, ``PTV?``."""
    return sign.text not in SEPARATORS


def may_tell_versions_apart(sign: Sign) -> bool:
    """``PTV 54*``."""
    return is_mark(sign.tokens, sign.at)


def combines_numbers(sign: Sign) -> bool:
    """``40-56`` is a range, a difference or two levels; ``N3-57.5`` an index and a dose."""
    around = sign.tokens[max(0, sign.at - 1) : sign.at + 2]
    if sign.text not in "-/" or len(around) < 3 or not (around[0].is_number and around[2].is_number):
        return False
    return not (len(around[0].text) == 1 and float(around[2].text) >= _LEAST_DOSE_GY)


def takes_something_off(sign: Sign) -> bool:
    """``PTV -5`` and ``PTV-``: a minus that begins a number or ends the name."""
    if sign.text != "-" or sign.at == len(sign.tokens) - 1:
        return sign.text == "-"
    following = sign.tokens[sign.at + 1]
    return following.is_number and following.joined and not sign.tokens[sign.at].joined


DOUBTS_OF_SIGNS: tuple[tuple[Callable[[Sign], bool], Doubt], ...] = (
    (has_no_slot, Doubt.SIGN_WITHOUT_SLOT),
    (may_tell_versions_apart, Doubt.VERSION_MARK),
    (combines_numbers, Doubt.NUMBERS_COMBINED),
    (takes_something_off, Doubt.CUT_OFF),
)
"""What a sign may be instead of a separator, in the order it is asked."""


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


def _take_word(token: Token, slots: Slots, lexicon: Lexicon) -> None:
    """Give a word its slot: type, side, classifier, dose level, qualifier or custom; else it waits for the structure slot."""
    word = _word(token, slots, lexicon)
    slots.leave(first_doubt(DOUBTS_OF_WORDS, word, slots))
    letter = len(word.text) == 1 and word.role in CLASSIFIERS
    slots.prefixed = slots.prefixed or (letter and not slots.type)
    take, last = next((take, last) for is_it, take, last in WORDS if is_it(word, slots))
    take(word, slots, lexicon)
    slots.last = last
    slots.behind_minus = False


def _word(token: Token, slots: Slots, lexicon: Lexicon) -> Word:
    text = token.text
    behind_type = slots.last == "type"
    spelt_out = text in CLASSIFIERS and token.joined and behind_type and token.raw != "V"  # 'PTVV' is a slip
    role = text if spelt_out else _role(token, lexicon)
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
    """``GTV - neck``."""
    return slots.behind_minus and is_custom(word, slots)


DOUBTS_OF_WORDS: tuple[tuple[Callable[[Word, Slots], bool], Doubt], ...] = (
    (may_be_place, Doubt.PLACE_OR_CLASSIFIER),
    (may_be_vesicles, Doubt.BED_OR_VESICLES),
    (may_be_somebody, Doubt.RISK_OR_INITIALS),
    (is_taken_off, Doubt.CUT_OFF),
)
"""What a word may be instead of what fills its slot, in the order it is asked."""


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
    """Fill the structure slot with what is no anatomy (principle T5)."""
    slots.put("qualifier", word.role)
    slots.used.append(("target_words", word.text))


def is_custom(word: Word, slots: Slots) -> bool:
    """``CSI``, ``neck`` behind the type."""
    elsewhere = is_side(word, slots) or is_classifier(word, slots) or is_level(word, slots)
    return bool(word.role and slots.type) and not elsewhere and not is_qualifier(word, slots)


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


WORDS: tuple[tuple[Callable[[Word, Slots], bool], Callable[[Word, Slots, Lexicon], None], str], ...] = (
    (is_type, take_type, "type"),
    (is_side, take_side, "side"),
    (is_classifier, take_classifier, "classifier"),
    (is_level, take_level, "word"),
    (is_qualifier, take_qualifier, "word"),
    (is_custom, take_custom, "word"),
    (is_roman_index, take_roman_index, "word"),
    (is_classifier_and_side, take_classifier_and_side, "word"),
    (is_anything_else, keep_for_structure, "word"),
)
"""What a single word is, in the order it is asked: what is done with it, and what then stands last."""


def _speaks_of(what: str, word: str, lexicon: Lexicon) -> bool:
    """Tell whether a piece of the word says *dose* or *risk*, so that its *high* is no part of an organ."""
    return any(piece in word for piece, meant in lexicon.level_words.items() if meant == what)


def _side(word: str, lexicon: Lexicon) -> str:
    meanings = lexicon.sides.get(word, {})
    everywhere = {meanings[language] for language in meanings if language in EVERYWHERE}
    sides = everywhere or (set(meanings.values()) if len(word) > 2 else set())
    side = next(iter(sides)) if len(sides) == 1 else ""
    return side if side in ("L", "R") else ""
