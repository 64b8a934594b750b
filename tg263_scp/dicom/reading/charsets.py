"""Read text in the character set an object declares, or say why it cannot be read.

Text that does not fit is unreadable here, where other readers put replacement characters, because a guessed name must
never be looked up. Covered is Specific Character Set (0008,0005) with and without code extensions (ISO 2022; PS3.3
C.12.1.1.2, PS3.5 6.1.2.5), its usual misspellings (``ISO IR 100``), and nonsense (``Not Supplied``), with which plain
ASCII is still readable.

With code extensions two sets are active at a time: G0 for the bytes up to 7FH, G1 for those from 80H. A value begins
with the sets of the first term; an escape sequence replaces one of the two.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache

from tg263_scp.errors import HoldReason

_UNPRINTED = ("Cc", "Cs", "Cn")
"""Control characters (PS3.5 6.1.3 allows none in a name), surrogates, and code points without a character."""


@dataclass(frozen=True, slots=True)
class _GraphicSet:
    """A coded character set as G0 or G1: a Python codec, and what that wants before each character of ``width`` bytes.

    ``tilde`` is what 7EH stands for.
    """

    codec: str
    width: int = 1
    prefix: bytes = b""
    tilde: str = "~"

    def decode(self, run: bytes) -> str:
        if self.width == 2:
            run = bytes(byte | 0x80 for byte in run)
        if self.prefix:
            run = b"".join(self.prefix + run[at : at + self.width] for at in range(0, len(run), self.width))
        return run.decode(self.codec).replace("~", self.tilde)


_ASCII = _GraphicSet("ascii")
_JIS_ROMAN = _GraphicSet("ascii", tilde="\u203e")
"""ISO-IR 14: ASCII but for 7EH, an overline, and 5CH, printed as a yen sign; that separates values all the same."""
_KANA = _GraphicSet("euc_jp", prefix=b"\x8e")
_JIS_X_0208, _JIS_X_0212 = _GraphicSet("euc_jp", 2), _GraphicSet("euc_jp", 2, b"\x8f")
_G1_ONLY: dict[str, tuple[bytes, _GraphicSet]] = {
    "100": (b"\x1b-A", _GraphicSet("latin_1")),
    "101": (b"\x1b-B", _GraphicSet("iso8859_2")),
    "109": (b"\x1b-C", _GraphicSet("iso8859_3")),
    "110": (b"\x1b-D", _GraphicSet("iso8859_4")),
    "126": (b"\x1b-F", _GraphicSet("iso8859_7")),
    "127": (b"\x1b-G", _GraphicSet("iso8859_6")),
    "138": (b"\x1b-H", _GraphicSet("iso8859_8")),
    "144": (b"\x1b-L", _GraphicSet("iso8859_5")),
    "148": (b"\x1b-M", _GraphicSet("iso8859_9")),
    "149": (b"\x1b$)C", _GraphicSet("euc_kr", 2)),
    "166": (b"\x1b-T", _GraphicSet("tis_620")),
    "203": (b"\x1b-b", _GraphicSet("iso8859_15")),
    "58": (b"\x1b$)A", _GraphicSet("gb2312", 2)),
}
"""By registration number (ISO-IR): the escape sequence that makes the set G1, and the set; G0 is ASCII beside them."""
_ESCAPES: dict[str, dict[bytes, _GraphicSet]] = {
    "6": {},
    **{number: {escape: graphic} for number, (escape, graphic) in _G1_ONLY.items()},
    "13": {b"\x1b(J": _JIS_ROMAN, b"\x1b)I": _KANA},
    "87": {b"\x1b$B": _JIS_X_0208, b"\x1b(J": _JIS_ROMAN},
    "159": {b"\x1b$(D": _JIS_X_0212, b"\x1b(J": _JIS_ROMAN},
}
"""The escape sequences that a term allows; that of ASCII is always allowed, and Japanese text may return to JIS Roman."""
_STAND_ALONE = {"192": "utf_8", "GB18030": "gb18030", "GBK": "gbk"}
_WRITTEN_FOR = {"": "6", "ISO 2022 GBK": "GBK", "ISO 2022 58": "58"}
_TERM = re.compile(r"ISO[ _-]?(?:2022[ _-]?)?IR[ _-]?(\d+)", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")
_TO_G1 = (b"\x1b-", b"\x1b)", b"\x1b$)")
_TOKENS = re.compile(rb"(\x1b(?:\$[()]?[@-~]|[()-][@-~])?)|([^\x1b\x80-\xff]+)|([\x80-\xff]+)")


@dataclass(frozen=True, slots=True)
class Charset:
    """The character repertoire of a data set or item; without anything said, the default one, ASCII.

    ``codec`` is that of a character set which stands alone. Otherwise ``g0`` and ``g1`` are active where a value begins,
    and ``escapes`` are those that may occur in it. ``known`` is false where a declared term means nothing; then only
    ASCII is read.
    """

    codec: str = ""
    g0: _GraphicSet = _ASCII
    g1: _GraphicSet | None = None
    escapes: dict[bytes, _GraphicSet] = field(default_factory=dict)
    known: bool = True

    def decode(self, raw: bytes) -> str | None:
        """Return the text without its padding, or None where it cannot be read for certain (see :meth:`fault`)."""
        return self._read(raw)[0]

    def fault(self, raw: bytes) -> HoldReason | None:
        """Say why text is unreadable: by its character set, as UTF-8 that is not declared, or by its bytes."""
        return self._read(raw)[1]

    @property
    def unwritable(self) -> str:
        """The printable ASCII characters that the bytes of ASCII do not stand for where a value begins."""
        return "" if self.g0.tilde == "~" else "~"

    def _read(self, raw: bytes) -> tuple[str | None, HoldReason | None]:
        value = raw.rstrip(b" \x00")
        utf8 = "" if self.codec == "utf_8" else _utf8_text(value)
        try:
            text = value.decode(self.codec) if self.codec else self._extended(value)
        except UnicodeError:
            text = "\x00"
        fits = not any(unicodedata.category(character) in _UNPRINTED for character in text)
        if fits and not (self._takes_any_byte(value) and _reads_well(utf8)):
            return text.rstrip(" "), None
        if not self.known and not value.isascii():
            return None, HoldReason.CHARSET_UNKNOWN
        return None, HoldReason.UNDECLARED_UTF8 if utf8 else HoldReason.UNREADABLE_NAME

    def _takes_any_byte(self, value: bytes) -> bool:
        """Say whether ``value`` is all in one single-byte set, which rarely refuses the bytes of another one."""
        return self.g1 is not None and self.g1.width == 1 and b"\x1b" not in value

    def _extended(self, value: bytes) -> str:
        g0, g1 = self.g0, self.g1
        text = []
        for escape, low, high in _TOKENS.findall(value):
            if not escape:
                graphic = g0 if low else g1
                if graphic is None:
                    raise UnicodeError("nothing is declared for bytes from 80H")
                text.append(graphic.decode(low or high))
                continue
            designated = _ASCII if escape == b"\x1b(B" else self.escapes.get(escape)
            if designated is None:
                raise UnicodeError("an escape sequence that the object does not declare")
            if escape.startswith(_TO_G1):
                g1 = designated
            else:
                g0 = designated
        return "".join(text)


ASCII = Charset()


def charset_of(raw: bytes) -> Charset:
    r"""Return the character set for a value of Specific Character Set (0008,0005).

    >>> charset_of(b"ISO_IR 100").decode(b"Gr\xf6\xdfe ")
    'Größe'
    >>> charset_of(b"ISO 2022 IR 6\\ISO 2022 IR 87").decode(b"\x1b$B:8\x1b(B lung")
    '左 lung'
    >>> charset_of(b"Not Supplied").decode(b"Lung_L")                # no term of the standard: ASCII can be read
    'Lung_L'
    >>> print(charset_of(b"Not Supplied").fault(b"Gr\xf6\xdfe"))
    charset_unknown
    >>> print(charset_of(b"").fault(b"Gr\xf6\xdfe"))                 # nothing is declared: ASCII
    unreadable_name
    >>> print(charset_of(b"ISO_IR 100").fault("Größe".encode()))     # UTF-8, which is not declared
    undeclared_utf8
    """
    return _charset_of(raw.rstrip(b"\x00 "))


@lru_cache(maxsize=64)
def _charset_of(value: bytes) -> Charset:
    terms = [_term(part.strip(" ")) for part in value.decode("ascii", "replace").split("\\")]
    if any(term not in _ESCAPES and term not in _STAND_ALONE for term in terms):
        return Charset(known=False)
    first = terms[0]
    if first in _STAND_ALONE:
        return Charset(_STAND_ALONE[first])  # what follows it has no meaning (PS3.3 C.12.1.1.2)
    escapes: dict[bytes, _GraphicSet] = {}
    for term in terms:
        escapes |= _ESCAPES.get(term, {})
    if first == "13":
        return Charset("", _JIS_ROMAN, _KANA, escapes)
    return Charset("", _ASCII, _G1_ONLY[first][1] if first in _G1_ONLY else None, escapes)


def _term(part: str) -> str:
    """Return the registration number of an ISO term, else the term."""
    spelt = _TERM.fullmatch(part)
    return spelt[1] if spelt else _WRITTEN_FOR.get(part, part)


def _utf8_text(value: bytes) -> str:
    """Return the text of bytes that are UTF-8 and more than ASCII, else nothing."""
    try:
        text = value.decode("utf_8")
    except UnicodeError:
        return ""
    return "" if text.isascii() else text


def _reads_well(utf8: str) -> bool:
    """Say whether UTF-8 text has words beyond ASCII, each in one script, so that it is no accident that it is UTF-8.

    By accident the all-capital ``PÓŁ`` of Latin-2 and the Cyrillic ``УМ`` are UTF-8 too: of two scripts, or too short.
    """
    words = [word for word in _WORD.findall(utf8) if not word.isascii() and len(word.encode("utf_8")) > 2]
    return bool(words) and all(len({_script(letter) for letter in word}) == 1 for word in words)


def _script(letter: str) -> str:
    if letter > "\u017f" and letter not in "ȘșȚț" and unicodedata.name(letter, "").startswith("LATIN"):
        return letter  # of no language of clinics
    script = unicodedata.name(letter, letter).split(" ")[0]
    return "CJK" if script in ("HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA") else script
