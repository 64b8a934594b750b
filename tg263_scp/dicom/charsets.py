"""Read text in the character set an object declares, or say that it cannot be read.

pydicom replaces what it cannot decode; here such text is unreadable instead, because a guessed name must never be
looked up. Covered: Specific Character Set (0008,0005) as defined in PS3.3 C.12.1.1.2 with and without code extensions
(ISO 2022, PS3.5 6.1.2.5), its usual misspellings (``ISO IR 100``), and nonsense (``Not Supplied``), with which pure
ASCII is still readable.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from pydicom.charset import CODES_TO_ENCODINGS, STAND_ALONE_ENCODINGS, python_encoding

_ESCAPE = b"\x1b"
_FRAGMENTS = re.compile(rb"^[^\x1b]+|\x1b[^\x1b]*")
_TERM = re.compile(r"ISO[ _-]?(2022[ _-]?)?IR[ _-]?(\d+)", re.IGNORECASE)
_ASCII_TERMS = frozenset(("", "ISO_IR 6", "ISO 2022 IR 6"))
_ASCII_ESCAPE = b"\x1b(B"
_ESCAPE_KEPT = frozenset(("iso2022_jp", "iso2022_jp_2"))
"""Python's codecs for these want to see the escape sequence."""


@dataclass(frozen=True, slots=True)
class Charset:
    """The character repertoire of a data set or item: Python codecs, the first one for text without escapes.

    ``known`` is false where a declared term means nothing; then only ASCII is read.
    """

    codecs: tuple[str, ...] = ("ascii",)
    known: bool = True

    def decode(self, raw: bytes) -> str | None:
        """Return the text without its padding, or None where the bytes do not fit the character set.

        Control characters, which no text value may hold (PS3.5 6.1.3), make a value unreadable too.
        """
        stripped = raw.rstrip(b" \x00")
        try:
            if _ESCAPE in stripped:
                text = "".join(self._fragment(part) for part in _FRAGMENTS.findall(stripped))
            else:
                text = stripped.decode(self.codecs[0])
        except (UnicodeError, LookupError):
            return None
        if any(unicodedata.category(character) in ("Cc", "Cs", "Cn") for character in text):
            return None
        return text.rstrip(" ")

    def _fragment(self, part: bytes) -> str:
        if not part.startswith(_ESCAPE):
            return part.decode(self.codecs[0])
        length = 4 if part.startswith((b"\x1b$(", b"\x1b$)")) else 3
        escape, rest = part[:length], part[length:]
        if escape == _ASCII_ESCAPE:
            return rest.decode(self.codecs[0] if self.codecs[0] not in _ESCAPE_KEPT else "ascii")
        codec = CODES_TO_ENCODINGS.get(escape, "")
        if codec not in self.codecs:
            raise LookupError("an escape sequence that the object does not declare")
        return (part if codec in _ESCAPE_KEPT else rest).decode(codec)


ASCII = Charset()


def charset_of(raw: bytes) -> Charset:
    """Return the character set for a value of Specific Character Set (0008,0005)."""
    terms = [_term(part) for part in raw.rstrip(b"\x00 ").decode("ascii", "replace").split("\\")]
    if any(term not in python_encoding for term in terms):
        return Charset(known=False)
    if terms[0] in STAND_ALONE_ENCODINGS:
        terms = terms[:1]  # these cannot be combined with others (PS3.3 C.12.1.1.2)
    return Charset(tuple("ascii" if term in _ASCII_TERMS else python_encoding[term] for term in terms))


def _term(part: str) -> str:
    term = part.strip(" ")
    spelt = _TERM.fullmatch(term)
    if spelt is None:
        return term
    number = spelt[2]
    return f"ISO 2022 IR {number}" if spelt[1] else f"ISO_IR {number}"
