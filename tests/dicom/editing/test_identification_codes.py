"""Codes beside names: certain ones only, added only where there is none, and gone after a revert."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO

import pydicom
import pytest
from doubles.drafts import Draft, DraftRoi
from doubles.edits import VARIANTS, data_set_of
from pydicom.sr.codedict import codes as dicom_codes

from tg263_scp.dicom.editing.identification_codes import IdentificationCode, load_codes
from tg263_scp.dicom.editing.provenance import Provenance
from tg263_scp.dicom.editing.relabel import relabel
from tg263_scp.dicom.editing.revert import revert
from tg263_scp.errors import NomenclatureError

SET = Draft((DraftRoi(b"heart ", b"heart "), DraftRoi(b"cord"), DraftRoi(b"ptv ")))
HEART = load_codes()["Heart"]
PROVENANCE = Provenance(datetime(2026, 11, 23, 12, tzinfo=UTC), "NODE1")


def test_each_code_is_a_concept_that_dicom_uses_for_a_listed_name(nomenclature):
    known = {
        code.value: code.meaning.lower() for code in map(dicom_codes.SCT.__getattr__, dicom_codes.SCT.dir())
    }
    table = load_codes()
    assert len(table) >= 20
    assert len({code.value for code in table.values()}) == len(table)
    for name, code in table.items():
        assert name in nomenclature.names
        assert code.scheme == "SCT"
        assert known[code.value][:4] in (code.meaning.lower()[:4], "stru"), name


@pytest.mark.parametrize("switches", VARIANTS.values(), ids=VARIANTS)
def test_a_code_is_added_to_the_observation_of_its_roi(coding, switches, stored, tmp_path):
    source = stored(replace(SET, **switches).encoded(coding))
    there, back = tmp_path / "there.dcm", tmp_path / "back.dcm"
    proof = relabel(source, there, {0: "Heart"}, codes={0: HEART}, provenance=PROVENANCE)
    assert (proof.edited, proof.added_codes) == (1, 1)
    raw = data_set_of(there.read_bytes(), coding)
    assert raw.count(b"80891009") == 1
    assert raw.index(b"80891009") > raw.rindex(b"Heart ", 0, raw.index(b"80891009"))
    assert revert(there, back).names == 1
    assert back.read_bytes() == source.read_bytes()


def test_pydicom_reads_the_code(coding, stored, tmp_path):
    relabel(stored(SET.encoded(coding)), tmp_path / "there.dcm", {}, codes={0: HEART})
    first, *others = pydicom.dcmread(tmp_path / "there.dcm").RTROIObservationsSequence
    (code,) = first.RTROIIdentificationCodeSequence
    assert (code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning) == ("80891009", "SCT", "Heart")
    assert list(first.keys()) == sorted(first.keys())
    assert not any("RTROIIdentificationCodeSequence" in other for other in others)


def test_a_code_of_the_sender_stays(coding, stored, tmp_path):
    relabel(
        stored(SET.encoded(coding)),
        tmp_path / "theirs.dcm",
        {},
        codes={0: IdentificationCode("1", "FMA", "theirs")},
    )
    proof = relabel(tmp_path / "theirs.dcm", tmp_path / "ours.dcm", {}, codes={0: HEART})
    assert proof.added_codes == 0
    assert (tmp_path / "ours.dcm").read_bytes() == (tmp_path / "theirs.dcm").read_bytes()


def test_without_codes_none_is_added(coding, stored, tmp_path):
    relabel(stored(SET.encoded(coding)), tmp_path / "there.dcm", {0: "Heart"})
    assert b"80891009" not in data_set_of((tmp_path / "there.dcm").read_bytes(), coding)
    assert pydicom.dcmread(BytesIO((tmp_path / "there.dcm").read_bytes()))


@pytest.mark.parametrize(
    "row",
    [
        "{name: Heart, scheme: SCT, value: '1'}",
        "{name: Heart, scheme: XYZ, value: '1', meaning: Heart}",
        "{name: Heart, scheme: FMA, value: '7088', meaning: Heart}",
        "{name: Heart, scheme: SCT, value: '1 2', meaning: Heart}",
        "{name: Heart, scheme: SCT, value: '1', meaning: Hjärta}",
        "{name: Heart, scheme: SCT, value: '1', meaning: Heart}\n  - {name: Heart, scheme: SCT, value: '2', meaning: Heart}",
    ],
)
def test_a_faulty_table_is_refused_with_its_line(row, tmp_path):
    (tmp_path / "codes.yaml").write_text(f"codes:\n  - {row}\n", encoding="utf-8")
    with pytest.raises(NomenclatureError, match=r"codes.yaml:[23]: "):
        load_codes(tmp_path / "codes.yaml")
