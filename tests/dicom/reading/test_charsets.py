"""Names in every character set of PS3.3 C.12.1.1.2: read as pydicom reads them, renamed once read, refused in doubt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
from doubles.drafts import EXPLICIT, Draft, DraftRoi, draft
from pydicom.charset import convert_encodings, decode_bytes

from tg263_scp import yamlsource
from tg263_scp.config.loading import load_config
from tg263_scp.decision import Reason, Roi, RoiPlace, Status
from tg263_scp.dicom.editing.relabel import relabel
from tg263_scp.dicom.reading.charsets import ASCII, charset_of
from tg263_scp.dicom.reading.structure_set import read_structure_set
from tg263_scp.dicom.synthetic.anatomy import CHARSETS
from tg263_scp.dicom.synthetic.structure_sets import synthetic_structure_set
from tg263_scp.errors import HoldReason
from tg263_scp.naming.decide import decide, decide_set
from tg263_scp.resources import data_folder
from tg263_scp.service.deciding.relabelling import OutcomeKind, RelabelPolicy, Writing, decide_and_write

Encode = Callable[[str], bytes]

SINGLE_BYTE: dict[bytes, str] = {
    b"ISO_IR 100": "iso8859_1",
    b"ISO_IR 101": "iso8859_2",
    b"ISO_IR 109": "iso8859_3",
    b"ISO_IR 110": "iso8859_4",
    b"ISO_IR 126": "iso8859_7",
    b"ISO_IR 127": "iso8859_6",
    b"ISO_IR 138": "iso8859_8",
    b"ISO_IR 144": "iso8859_5",
    b"ISO_IR 148": "iso8859_9",
    b"ISO_IR 166": "tis_620",
    b"ISO_IR 203": "iso8859_15",
}
ENCODERS: dict[bytes, Encode] = {
    **{term: lambda text, codec=codec: text.encode(codec) for term, codec in SINGLE_BYTE.items()},  # type: ignore[misc]
    b"ISO_IR 192": str.encode,
    b"GB18030": lambda text: text.encode("gb18030"),
    b"GBK": lambda text: text.encode("gbk"),
    b"\\ISO 2022 IR 58": lambda text: b"\x1b$)A" + text.encode("gb2312"),
    b"\\ISO 2022 IR 87": lambda text: text.encode("iso2022_jp"),
    b"\\ISO 2022 IR 87\\ISO 2022 IR 159": lambda text: text.encode("iso2022_jp_1"),
    b"\\ISO 2022 IR 149": lambda text: b"\x1b$)C" + text.encode("euc_kr"),
}
"""How each value of Specific Character Set writes a text; what it has no characters for is a UnicodeError."""

POLICY = RelabelPolicy.of(load_config().naming)
PYDICOM_CANNOT = (b"ISO_IR 203", b"\\ISO 2022 IR 58")
"""It knows no Latin-9, and leaves the escape sequence of GB 2312 in the text."""


@cache
def words() -> tuple[str, ...]:
    """Every word beyond ASCII of every language."""
    found = []
    for path in sorted((data_folder("nomenclature") / "synonyms").glob("*.yaml")):
        for synonyms in yamlsource.load(path)["structures"].values():
            found += [str(synonym) for synonym in synonyms if not str(synonym).isascii()]
    return tuple(found)


@pytest.mark.parametrize("declared", ENCODERS, ids=bytes.decode)
def test_every_synonym_is_read_in_every_character_set_that_can_write_it(declared):
    charset = charset_of(declared)
    read = 0
    for word in words():
        for text in {word, word.upper(), word.capitalize(), f"{word} L"}:
            try:
                raw = ENCODERS[declared](text)
            except UnicodeError:
                continue
            assert (charset.decode(raw), charset.fault(raw)) == (text, None), raw
            read += 1
            if declared not in PYDICOM_CANNOT:
                terms = declared.decode().split("\\")
                assert decode_bytes(raw, convert_encodings(terms), set()) == text
    assert read or declared == b"ISO_IR 166", "no language to try it with"


def test_no_synonym_in_undeclared_utf_8_gets_another_name_than_its_own(nomenclature):
    read = {}
    for word in words():
        for declared in SINGLE_BYTE:
            text = charset_of(declared).decode(word.encode())
            if text is not None:
                read[text] = word
    wrong = []
    for text, word in read.items():
        decision = decide(text, nomenclature)
        if decision.status is Status.RENAME and decision.name != decide(word, nomenclature).name:
            wrong.append((word, text, decision.name))
    assert wrong == []


@pytest.mark.parametrize(
    ("charset", "raw", "name"),
    [
        (b"ISO_IR 127", "قلب".encode("iso8859-6"), "قلب"),
        (b"ISO_IR 138", "לב".encode("iso8859-8"), "לב"),
        (b"ISO_IR 166", "หัวใจ".encode("tis-620"), "หัวใจ"),
        (b"ISO_IR 13", b"\xca\xb2 L", "ﾊｲ L"),
        (b"ISO_IR 13", b"Lung~", "Lung‾"),
        (b"ISO 2022 IR 6\\ISO 2022 IR 87", b"Lung \x1b$B:8\x1b(B", "Lung 左"),
        (b"\\ISO 2022 IR 87", b"\x1b$B:8GY\x1b(J L", "左肺 L"),
        (b"\\ISO 2022 IR 87", b"\x1b$B:8GY", "左肺"),
        (b"ISO 2022 IR 13\\ISO 2022 IR 87", b"\x1b)I\xca\xb2\x1b$B:8\x1b(J", "ﾊｲ左"),
        (b"ISO 2022 IR 13\\ISO 2022 IR 87", b"\xca\xb2\x1b$B:8\xca\xb2\x1b(B~", "ﾊｲ左ﾊｲ~"),
        (b"\\ISO 2022 IR 87\\ISO 2022 IR 159", b"\x1b$(Dh$\x1b$B9|\x1b(B L", "頰骨 L"),
        (b"\\ISO 2022 IR 149", b"\x1b$)C\xbf\xde\xc2\xca lung \xc6\xf3", "왼쪽 lung 폐"),
        (b"ISO 2022 IR 149", b"\xbf\xde\xc2\xca", "왼쪽"),
        (b"\\ISO 2022 IR 149\\ISO 2022 IR 87", b"\x1b$)C\xc6\xf3\x1b$B:8\x1b(B\xc6\xf3", "폐左폐"),
        (b"\\ISO 2022 IR 58", b"\x1b$)A\xd7\xf3\xb7\xce", "左肺"),
        (b"ISO 2022 IR 100\\ISO 2022 IR 144", b"L\xfc \x1b-L\xc1\xd5", "Lü Се"),
        (b"ISO 2022 IR 100\\ISO 2022 IR 126", b"\x1b-F\xea\xe1\x1b-A\xfc", "καü"),
        (b"ISO IR 100", b"L\xfcge", "Lüge"),
        (b"iso_ir_192", "Lüge".encode(), "Lüge"),
        (b"ISO_IR 192\\ISO 2022 IR 87", "肺".encode(), "肺"),
        (b"ISO_IR 100\\", b"L\xfcge", "Lüge"),
        (b"ISO_IR 101", "PÓŁ".encode("iso8859-2"), "PÓŁ"),
        (b"ISO_IR 144", "УМ ЩЖ".encode("iso8859-5"), "УМ ЩЖ"),
        (b"ISO_IR 100", b"\xc3\xb8", "Ã¸"),
        (b"Not Supplied", b"Heart ", "Heart"),
        (b"", b"Heart\0", "Heart"),
    ],
)
def test_a_value_is_read_in_its_character_set(charset, raw, name):
    assert charset_of(charset).decode(raw) == name


@pytest.mark.parametrize(
    ("charset", "raw", "why"),
    [
        (None, b"L\xfcge", HoldReason.UNREADABLE_NAME),
        (None, "Lüge".encode(), HoldReason.UNDECLARED_UTF8),
        (b"", "左肺".encode(), HoldReason.UNDECLARED_UTF8),
        (b"ISO_IR 6", b"L\xfcge", HoldReason.UNREADABLE_NAME),
        (b"Not Supplied", b"L\xfcge", HoldReason.CHARSET_UNKNOWN),
        (b"UTF-8", "Lüge".encode(), HoldReason.CHARSET_UNKNOWN),
        (b"ISO_IR 999", b"L\xfcge", HoldReason.CHARSET_UNKNOWN),
        (b"ISO_IR 192", b"L\xfcge", HoldReason.UNREADABLE_NAME),
        (b"ISO_IR 192\\ISO 2022 IR 87", b"\x1b$B:8GY\x1b(B", HoldReason.UNREADABLE_NAME),
        (b"\\ISO_IR 192", "Lüge".encode(), HoldReason.UNDECLARED_UTF8),
        (b"ISO_IR 100", "Lüge".encode(), HoldReason.UNDECLARED_UTF8),
        (b"ISO_IR 101", "médula".encode(), HoldReason.UNDECLARED_UTF8),
        (b"ISO_IR 144", "Сердце".encode(), HoldReason.UNDECLARED_UTF8),
        (b"ISO_IR 13", "肺".encode(), HoldReason.UNDECLARED_UTF8),
        (b"ISO_IR 13", "左肺".encode("shift_jis"), HoldReason.UNREADABLE_NAME),
        (b"GB18030", b"\xd7", HoldReason.UNREADABLE_NAME),
        (b"ISO_IR 100", b"\x1b$B:8GY\x1b(B", HoldReason.UNREADABLE_NAME),
        (b"\\ISO 2022 IR 87", b"\x1b$)C\xbf\xde", HoldReason.UNREADABLE_NAME),
        (b"\\ISO 2022 IR 87", b"\x1b$B:8G\x1b(B", HoldReason.UNREADABLE_NAME),
        (b"\\ISO 2022 IR 87", b"\x1b", HoldReason.UNREADABLE_NAME),
        (b"\\ISO 2022 IR 149", b"\xbf\xde", HoldReason.UNREADABLE_NAME),
        (b"ISO_IR 126", b"\xd2\xff", HoldReason.UNREADABLE_NAME),
        (b"ISO_IR 100", b"Heart\0\0Lung", HoldReason.UNREADABLE_NAME),
        (b"ISO_IR 100", b"Heart\tLung", HoldReason.UNREADABLE_NAME),
        (b"ISO_IR 100", b"Heart\x85", HoldReason.UNREADABLE_NAME),
        (b"Not Supplied", b"Heart\tLung", HoldReason.UNREADABLE_NAME),
    ],
)
def test_a_name_that_cannot_be_read_says_why_and_keeps_its_bytes(stored, charset, raw, why):
    (roi,) = read_structure_set(stored(draft(raw, charset=charset).encoded(EXPLICIT))).rois
    assert (roi.readable, roi.fault, roi.raw_name) == (False, why, raw)
    assert roi.name.isascii()


@pytest.mark.parametrize(
    ("declared", "codec"),
    [(b"GB18030", "gb18030"), (b"GBK", "gbk"), (b"\\ISO 2022 IR 87\\ISO 2022 IR 159", "iso2022_jp_1")],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_no_backslash_within_a_character_is_a_separator(declared, codec):
    tried = 0
    for code in range(0x100, 0xFFFF):
        try:
            raw = chr(code).encode(codec)
        except UnicodeError:
            continue
        text = charset_of(declared).decode(raw) if b"\\" in raw else None
        if text is not None:
            assert text == chr(code)
            tried += 1
    assert tried > 50


@pytest.mark.parametrize("charset", CHARSETS)
def test_synonyms_match_and_the_character_set_stays(charset, tmp_path, nomenclature):
    source, target = tmp_path / "source.dcm", tmp_path / "target.dcm"
    source.write_bytes(synthetic_structure_set("prostate", charset=charset, slice_spacing_mm=20, points=12))
    outcome = decide_and_write(source, target, nomenclature, POLICY, Writing())

    local = [
        (decision.original, decision.name)
        for decision in outcome.decisions
        if not decision.original.isascii()
    ]
    assert outcome.kind is OutcomeKind.RELABELLED
    assert len(local) == 2
    if charset == "ISO_IR 166":
        assert all(new == old for old, new in local), "no language pack knows this script"
    else:
        assert all(new in nomenclature.entries for _, new in local)
    after = read_structure_set(target)
    assert [roi.name for roi in after.rois] == [decision.name for decision in outcome.decisions]
    assert charset.encode() in target.read_bytes()


def padded(raw: bytes) -> bytes:
    """Of even length, as senders have to write values (PS3.5 6.2)."""
    return raw + b" " * (len(raw) % 2)


@pytest.mark.parametrize("charset", ENCODERS, ids=bytes.decode)
def test_the_new_name_is_ascii_from_the_first_byte(charset, stored, tmp_path):
    old = {b"\\ISO 2022 IR 149": "왼쪽 폐", b"ISO_IR 144": "Сердце", b"ISO_IR 126": "Καρδιά"}
    japanese = "左肺" if b"87" in charset else "L"
    raw = ENCODERS[charset](old.get(charset, japanese))
    before = Draft((DraftRoi(padded(raw), padded(raw)), DraftRoi(padded(raw + b"?"))), charset=charset)
    relabel(stored(before.encoded(EXPLICIT)), tmp_path / "target.dcm", {0: "Lung~_L"})
    expected = before.renamed({0: b"Lung~_L "}, {0: b"Lung~_L "}).encoded(EXPLICIT)
    assert (tmp_path / "target.dcm").read_bytes() == expected
    assert read_structure_set(tmp_path / "target.dcm").rois[0].name == "Lung~_L"


IN_JIS_ROMAN = (b"lung partial l", b"heart ", b"Lung~_R ")
"""ISO-IR 14, with which a value in ISO_IR 13 begins, has an overline where ASCII has the partial mark of TG-263."""


@pytest.mark.parametrize("charset", [b"ISO_IR 13", b"ISO 2022 IR 13\\ISO 2022 IR 87"])
def test_a_name_with_a_tilde_goes_to_a_person_and_the_others_are_renamed(
    charset, stored, tmp_path, nomenclature
):
    before = draft(*IN_JIS_ROMAN, charset=charset)
    source, target = stored(before.encoded(EXPLICIT)), tmp_path / "target.dcm"
    outcome = decide_and_write(source, target, nomenclature, POLICY, Writing())
    partial, heart, overlined = outcome.decisions
    assert (partial.status, partial.rule, partial.reason) == (Status.REVIEW, "V090", Reason.VETO_CHARSET)
    assert partial.candidates[0].name == "Lung~_L"
    assert (heart.status, heart.name) == (Status.RENAME, "Heart")
    assert overlined.status is Status.REVIEW
    assert target.read_bytes() == before.renamed({1: b"Heart "}).encoded(EXPLICIT)


def test_a_name_with_a_tilde_is_not_written_whoever_decides(stored, tmp_path):
    source = stored(draft(*IN_JIS_ROMAN, charset=b"ISO_IR 13").encoded(EXPLICIT))
    with pytest.raises(ValueError, match="cannot write its new name"):
        relabel(source, tmp_path / "target.dcm", {0: "Lung~_L"})


def test_a_label_with_a_character_set_of_its_own_counts_too(stored, tmp_path):
    rois = (DraftRoi(b"Lunge ", b"Lunge ", charset=b"ISO_IR 13"),)
    with pytest.raises(ValueError, match="cannot write its new name"):
        relabel(stored(Draft(rois).encoded(EXPLICIT)), tmp_path / "target.dcm", {0: "Lung~_L"})


@pytest.mark.parametrize(("unwritable", "rule"), [("", "S030"), ("~", "V090")])
def test_a_side_from_the_contours_makes_no_exception(unwritable, rule, nomenclature):
    rois = [Roi(1, "lung partial", unwritable=unwritable), Roi(2, "kidney l", unwritable=unwritable)]
    on_the_left = RoiPlace(offset_mm=60, rightmost_mm=40, leftmost_mm=80, slices=10)
    partial, kidney = decide_set(rois, nomenclature, place_of=lambda index: on_the_left)
    assert (partial.rule, kidney.name) == (rule, "Kidney_L")


@pytest.mark.parametrize("sign", ["‾", "¯", "´", "¨", "˜"])
def test_a_sign_that_is_an_accent_alone_is_not_lost(sign, nomenclature):
    assert decide(f"Lung{sign}_L", nomenclature).status is Status.REVIEW


@pytest.mark.parametrize("mark", ["\u200e", "\u200f", "\ufeff", "\u200b"])
def test_a_mark_that_prints_nothing_is_no_part_of_a_name(mark, nomenclature):
    assert decide(f"{mark}lung l", nomenclature).name == "Lung_L"


@pytest.mark.parametrize(
    ("charset", "raw", "reason"),
    [
        (b"ISO_IR 100", "Rückenmark".encode(), HoldReason.UNDECLARED_UTF8),
        (b"Not Supplied", "Rückenmark".encode(), HoldReason.CHARSET_UNKNOWN),
        (b"ISO_IR 100", b"a\\b ", HoldReason.MULTI_VALUED_NAME),
        (b"ISO_IR 192", b"L\xfcge", HoldReason.UNREADABLE_NAME),
    ],
)
def test_a_held_object_says_what_is_wrong_with_its_character_set(
    charset, raw, reason, stored, tmp_path, nomenclature
):
    source = stored(draft(b"herz", padded(raw), charset=charset).encoded(EXPLICIT))
    outcome = decide_and_write(source, tmp_path / "target.dcm", nomenclature, POLICY, Writing())
    assert (outcome.kind, outcome.reason) == (OutcomeKind.HELD, reason)
    passing = replace(POLICY, gates=POLICY.gates.model_copy(update={"unreadable": "relabel"}))
    outcome = decide_and_write(source, tmp_path / "target.dcm", nomenclature, passing, Writing())
    assert outcome.kind is OutcomeKind.RELABELLED
    assert read_structure_set(tmp_path / "target.dcm").rois[1].raw_name == padded(raw)


def test_ascii_is_what_is_read_where_nothing_is_declared():
    assert ASCII.decode(b"Lung_L ") == "Lung_L"
    assert ASCII.unwritable == ""
    assert charset_of(b"").decode(b"\x1b(BLung") == "Lung"
