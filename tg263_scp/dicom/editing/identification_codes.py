"""Codes that say in a terminology what a TG-263 name says in letters: RT ROI Identification Code Sequence (3006,0086).

The table is small and vetted (``nomenclature/codes.yaml``): a missing code does no harm, a wrong one does. Standard: PS3.3
C.8.8.8; Code Sequence Macro PS3.3 8.8; scheme designators PS3.16 8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from tg263_scp import yamlsource
from tg263_scp.dicom.encoding import encode
from tg263_scp.dicom.encoding.elements import Encoding
from tg263_scp.dicom.encoding.splice import Part
from tg263_scp.dicom.reading.roi_items import IDENTIFICATION_CODES
from tg263_scp.errors import NomenclatureError, SourceLine
from tg263_scp.resources import data_folder

SCHEMES = ("SCT",)
"""The FMA identifiers of the TG-263 worksheet are not to be trusted, so none gets in."""
_KEYS = frozenset(("name", "scheme", "value", "meaning"))
_CODE_VALUE, _CODING_SCHEME, _CODE_MEANING = 0x00080100, 0x00080102, 0x00080104


@dataclass(frozen=True, slots=True)
class IdentificationCode:
    """A concept: Code Value (SH), Coding Scheme Designator (SH) and Code Meaning (LO), all ASCII."""

    value: str
    scheme: str
    meaning: str

    def element(self, encoding: Encoding) -> tuple[Part, ...]:
        """Return RT ROI Identification Code Sequence with this one item."""
        return encode.sequence(encoding, IDENTIFICATION_CODES, self.content(encoding))

    def content(self, encoding: Encoding) -> tuple[Part, ...]:
        """Return the elements of the Code Sequence Macro."""
        return (
            *encode.text(encoding, _CODE_VALUE, "SH", self.value),
            *encode.text(encoding, _CODING_SCHEME, "SH", self.scheme),
            *encode.text(encoding, _CODE_MEANING, "LO", self.meaning),
        )


def load_codes(path: Path | None = None) -> Mapping[str, IdentificationCode]:
    """Read the table, by TG-263 name; without ``path`` the one that ships.

    Raises:
        NomenclatureError: a row is incomplete, not ASCII, too long, of an unknown scheme or listed twice.
    """
    path = path or data_folder("nomenclature") / "codes.yaml"
    document = yamlsource.load(path, error=NomenclatureError)
    codes: dict[str, IdentificationCode] = {}
    for row in document.get("codes") or ():
        where = SourceLine(path.name, getattr(row, "line", 0))
        if not isinstance(row, yamlsource.Mapping) or row.keys() != _KEYS or not all(row.values()):
            raise NomenclatureError(where, "a code needs exactly the keys name, scheme, value and meaning")
        code = IdentificationCode(str(row["value"]), str(row["scheme"]), str(row["meaning"]))
        if code.scheme not in SCHEMES:
            raise NomenclatureError(where, f"the coding scheme must be one of {', '.join(SCHEMES)}")
        if not code.value.isalnum() or len(code.value) > 16 or len(code.meaning) > 64:
            raise NomenclatureError(
                where, "the value must be 1 to 16 letters and digits, the meaning at most 64 characters"
            )
        if not (code.value + code.meaning).isascii():
            raise NomenclatureError(where, "a code is written in ASCII, which every character set can hold")
        if row["name"] in codes:
            raise NomenclatureError(where, f"{row['name']} has a code already")
        codes[str(row["name"])] = code
    return MappingProxyType(codes)
