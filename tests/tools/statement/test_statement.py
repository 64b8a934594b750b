"""The conformance statement: it says what the program does, each claim has tests, and each test is there."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from doubles.drafts import EXPLICIT, draft

from tg263_scp.cli import main
from tg263_scp.config.loading import load_config
from tg263_scp.config.sections import Config
from tg263_scp.config.tls import Tls
from tg263_scp.dicom.network.statuses import StoreStatus
from tg263_scp.dicom.network.storage_classes import supported_contexts
from tg263_scp.dicom.reading.structure_set import read_structure_set
from tg263_scp.errors import DataFileError
from tg263_scp.tools.shared.exitcode import ExitCode
from tg263_scp.tools.statement.conformance import TEMPLATE_NAME, libraries, statement
from tg263_scp.tools.statement.evidence import load_claims
from tg263_scp.tools.statement.services import CHARSET_TERMS, charset_table
from tg263_scp.tools.statement.settings import settings_of
from tg263_scp.tools.statement.template import fill

CHECKOUT = Path(__file__).resolve().parents[3]
CONFORMANCE = CHECKOUT / "conformance"
COMMITTED = CONFORMANCE / "statement.md"
AGAIN = "write it anew: tg263-scp conformance -o conformance/statement.md"

STANDARD_UID = re.compile(r"^\|.*\b1\.2\.840\.10008\.")
CLAIM = re.compile(r"\[\[([a-z0-9-]+)\]\]\(#\1\)")
HEADING = re.compile(r"^(#{2,6}) (.+)$", re.MULTILINE)

NODE = """
listen: {ae_title: HERE, port: 104, max_pdu_bytes: 32768, extra_sop_classes: [1.2.3.4.5]}
peers: {ae_titles: [TPS1, TPS2], addresses: [192.0.2.0/24]}
naming: {mode: shadow}
spool: {folder: /somewhere/spool}
destinations:
  - {name: archive, host: archive.example, port: 4242, ae_title: ARCHIVE, uid_policy: new, rewrite_references: on}
  - {name: plan-check, host: 192.0.2.9, port: 104, ae_title: CHECK, calling_ae_title: OTHER}
metrics: {port: 9263}
routes:
  - {name: study, called_ae_titles: STUDY, gates: {approved: relabel}, destinations: archive}
"""


@pytest.fixture
def node(tmp_path: Path) -> Path:
    path = tmp_path / "node.yaml"
    path.write_text(NODE, encoding="utf-8")
    return path


def of_the_libraries(line: str) -> bool:
    """Rows that name UIDs of the standard, and the versions of those who know them, follow the installed libraries."""
    return bool(STANDARD_UID.match(line)) or line.startswith(
        "| SOP classes and transfer syntaxes as known to"
    )


def test_the_committed_statement_is_what_the_program_says() -> None:
    committed, now = COMMITTED.read_text(encoding="utf-8").splitlines(), statement().splitlines()
    assert [line for line in committed if not of_the_libraries(line)] == [
        line for line in now if not of_the_libraries(line)
    ], AGAIN


def test_the_committed_lists_of_sop_classes_and_transfer_syntaxes_are_those_of_the_libraries() -> None:
    committed = COMMITTED.read_text(encoding="utf-8")
    if libraries() not in committed:
        pytest.skip(f"the committed statement was made with other versions than {libraries()}")
    assert committed == statement(), AGAIN


def test_the_statement_is_the_same_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, node: Path
) -> None:
    here = statement(node)
    monkeypatch.chdir(tmp_path)
    assert statement(node) == statement(Path("node.yaml")) == here
    assert str(tmp_path) not in here
    assert str(CHECKOUT) not in here


@pytest.fixture(scope="module")
def there() -> dict[str, set[str]]:
    """The tests that there are, by the name of their module."""
    modules = [*CHECKOUT.glob("tests/**/test_*.py"), *CONFORMANCE.glob("test_*.py")]
    return {
        path.stem: {
            each.name
            for each in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")
        }
        for path in modules
    }


def test_every_claim_is_shown_by_tests_that_exist(there: dict[str, set[str]]) -> None:
    missing = [
        f"{claim.name}: {module}::{name}"
        for claim in load_claims().values()
        for module, names in claim.tests.items()
        for name in names
        if name not in there.get(module, ())
    ]
    assert missing == [], "correct conformance/claims.yaml"


def test_every_test_against_a_foreign_peer_shows_a_claim(there: dict[str, set[str]]) -> None:
    with_peers = {name for module in there if module.startswith("test_peer_") for name in there[module]}
    shown = {
        name
        for claim in load_claims().values()
        for module, names in claim.tests.items()
        if module.startswith("test_peer_")
        for name in names
    }
    assert with_peers - shown == set(), "say in conformance/claims.yaml what they show"


def test_every_claim_of_the_template_has_evidence_and_the_other_way_round(node: Path) -> None:
    for config in (None, node):
        assert set(CLAIM.findall(before_the_evidence(statement(config)))) == set(load_claims())


def before_the_evidence(text: str) -> str:
    return text.split("\n## Evidence\n")[0]


def leaf_sections(text: str) -> Iterator[tuple[str, str]]:
    """Heading and text of each section that has no section within."""
    parts = HEADING.split(text)[1:]
    triples = list(zip(parts[::3], parts[1::3], parts[2::3], strict=True))
    for (marks, title, body), following in zip(triples, [*triples[1:], ("##", "", "")], strict=True):
        if len(following[0]) <= len(marks):
            yield title, body


def test_every_section_that_claims_something_says_where_it_is_shown() -> None:
    silent = [
        title
        for title, body in leaf_sections(before_the_evidence(statement()))
        if re.match(r"(1\.[1-6]|[4578]\.|A\.A)", title)
        and not CLAIM.search(body)
        and not re.search(r"\bN(?:ot supported|ot applicable|one but)\b", body)
    ]
    # Where the services are mapped, and where the port is, stand in tables that repeat what is shown elsewhere.
    assert silent == [
        "5.1 Mapping of services to Application Entities",
        "8.3 TCP port configuration",
        "A.A.1.1 Common modules",
        "A.A.2 RT Structure Set IOD",
        "A.A.3 RT Plan, RT Ion Plan and RT Dose IODs",
    ]


def test_every_link_leads_somewhere() -> None:
    text = statement()
    there = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for _, title in HEADING.findall(text)}
    there |= set(re.findall(r'<a id="([^"]+)">', text))
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) - there == set()


def test_every_setting_of_the_configuration_is_in_the_table() -> None:
    def keys(model: type, above: str = "") -> Iterator[str]:
        for name, field in model.model_fields.items():
            inner = getattr(field.annotation, "model_fields", None)
            if inner is None:
                yield f"{above}{name}"
            else:
                yield from keys(field.annotation, f"{above}{name}.")

    elsewhere = (
        "llm",
        "review",
        "desk",
        "audit",
        "log",
        "metrics",
        "destinations",
        "commitment_peers",
        "routes",
    )
    of_the_section = {
        f"{place}.tls.{key}" for place in ("listen", "destination_defaults") for key in Tls.model_fields
    }
    wanted = {key for key in keys(Config) if key.split(".")[0] not in elsewhere} - of_the_section
    assert {each.key for each in settings_of(None)} == wanted
    meanings = {each.key: each.meaning for each in settings_of(None)}
    assert meanings["write.provenance"].endswith("every other byte is the sender's")


def test_the_sop_classes_and_transfer_syntaxes_are_those_of_the_presentation_contexts(node: Path) -> None:
    text = statement(node)
    contexts = supported_contexts(load_config(node).listen.extra_sop_classes)
    first = text.split("**Table 1-1.")[1].split("\n#")[0]
    rows = re.findall(r"^\| [^|]+ \| ([\d.]+) \| [^|]+ \| Y \| Y \|$", first, re.MULTILINE)
    assert sorted(rows) == sorted(str(context.abstract_syntax) for context in contexts)
    accepted = re.findall(r"^\| \d+ \| [^|]+ \| ([\d.]+) \|$", text, re.MULTILINE)
    for context in contexts[1:]:
        assert context.transfer_syntax == accepted


def test_no_warning_is_among_the_statuses_that_are_sent() -> None:
    assert {status.service_status for status in StoreStatus} == {"Success", "Failure"}
    assert not [status for status in StoreStatus if status >> 12 == 0xB]


SINGLE_BYTE = {
    "100": ("A", "latin_1", "Hüfte"),
    "101": ("B", "iso8859_2", "płuco"),
    "109": ("C", "iso8859_3", "koro ĉ"),
    "110": ("D", "iso8859_4", "širdis"),
    "126": ("F", "iso8859_7", "καρδιά"),
    "127": ("G", "iso8859_6", "قلب"),
    "138": ("H", "iso8859_8", "לב"),
    "144": ("L", "iso8859_5", "сердце"),
    "148": ("M", "iso8859_9", "böbrek ş"),
    "166": ("T", "tis_620", "หัวใจ"),
    "203": ("b", "iso8859_15", "cœur"),
}
"""Final byte of the escape sequence for G1, Python's codec, and a word (PS3.3 Table C.12-3)."""


def samples() -> Iterator[tuple[str, bytes, str]]:
    """A name in each of the character sets of the statement's table."""
    for number, (final, codec, word) in SINGLE_BYTE.items():
        yield f"ISO_IR {number}", word.encode(codec), word
        yield f"\\ISO 2022 IR {number}", b"\x1b-" + final.encode() + word.encode(codec), word
    yield "", b"Heart ", "Heart"
    yield "ISO_IR 13", "ﾊｲ".encode("shift_jis"), "ﾊｲ"
    yield "\\ISO 2022 IR 13", b"\x1b)I\xca\xb2", "ﾊｲ"
    yield "\\ISO 2022 IR 6", b"Heart ", "Heart"
    yield "\\ISO 2022 IR 87", b"\x1b$B:8GY\x1b(B", "左肺"
    yield "\\ISO 2022 IR 159", b"\x1b$(D0!\x1b(B", "丂"
    yield "\\ISO 2022 IR 149", b"\x1b$)C\xc6\xf3", "폐"
    yield "\\ISO 2022 IR 58", b"\x1b$)A\xd7\xf3\xb7\xce", "左肺"
    yield "ISO_IR 192", "左肺 L".encode(), "左肺 L"
    yield "GB18030", "左肺".encode("gb18030"), "左肺"
    yield "GBK", "左肺".encode("gbk"), "左肺"


SAMPLES = {charset: (raw, name) for charset, raw, name in samples()}
LISTED = re.findall(r"^\| (?:none|`([^`]+)`) \| ", charset_table(), re.MULTILINE)


@pytest.mark.parametrize("term", LISTED)
def test_a_name_is_read_in_every_character_set_of_the_table(term, stored) -> None:
    (charset,) = [value for name, _, value in CHARSET_TERMS if name == (term or "none")]
    raw, name = SAMPLES[charset]
    (roi,) = read_structure_set(stored(draft(raw, charset=charset.encode()).encoded(EXPLICIT))).rois
    assert (roi.name, roi.readable) == (name, True)


def test_the_configuration_shows_in_the_statement(node: Path) -> None:
    text = statement(node)
    for expected in (
        "| `listen.ae_title` | `TG263` | `HERE` |",
        "Associations are accepted from the calling AE titles `TPS1`, `TPS2`, from the addresses `192.0.2.0/24`",
        "| archive | ARCHIVE | archive.example | 4242 | HERE | new | rewritten | 100 | 15 s, 30 s, "
        "300 s (5 minutes) | 2 s to 600 s (10 minutes) |",
        "| plan-check | CHECK | 192.0.2.9 | 104 | OTHER | keep | as received | 100 |",
        "| private, of the configuration | 1.2.3.4.5 | N | Y | Y |",
        "| Maximum PDU length announced as acceptor | 32 KiB |",
        "it decides and audits, and sends the original (`naming.mode: shadow`)",
        "| study | any | `STUDY` | any | shadow | `approved: relabel` | `archive` |",
        "Here the policy is **keep and new**",
        "| Where objects go | ARCHIVE (archive.example:4242), CHECK (192.0.2.9:104) |",
        "| 9263 | in | HTTP: figures for monitoring, no names | `metrics.port` |",
        "| Configuration described | `node.yaml`, SHA-256 ",
        "| `spool.folder` | `spool` | `/somewhere/spool` |",
    ):
        assert expected in text, expected


def test_the_verb_writes_the_statement(
    node: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "statement.md"
    assert main(["conformance", "--config", str(node), "-o", str(target)]) == ExitCode.DONE
    assert target.read_text(encoding="utf-8") == statement(node)
    capsys.readouterr()
    assert main(["conformance"]) == ExitCode.DONE
    assert capsys.readouterr().out == statement()
    assert main(["conformance", "--json", "--config", str(node)]) == ExitCode.DONE
    said = json.loads(capsys.readouterr().out)
    assert {claim["claim"] for claim in said["claims"]} == set(load_claims())
    assert said["settings"]["listen.ae_title"] == "HERE"
    assert "1.2.3.4.5" in said["sop_classes"]


def test_a_wrong_configuration_is_an_error_and_no_statement(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, target = tmp_path / "node.yaml", tmp_path / "statement.md"
    config.write_text("listen: {prot: 104}\n", encoding="utf-8")
    assert main(["conformance", "--config", str(config), "-o", str(target)]) == ExitCode.CONFIGURATION
    assert "did you mean 'port'" in capsys.readouterr().err
    assert not target.exists()


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{claim: a, clauses: [PS3.4 B], says: b}", "'a' has no test"),
        ("{claim: a, clauses: [PS3.4 B], says: b, tests: {test_a: []}}", "'a' has no test"),
        ("{claim: a, says: b, tests: {test_a: test_b}}", "needs clauses"),
        ("{claim: A b, clauses: [PS3.4 B], says: b, tests: {test_a: test_b}}", "needs a name"),
        ("{claim: a, clause: PS3.4 B, says: b, tests: {test_a: test_b}}", "unknown key 'clause'"),
    ],
)
def test_a_claim_that_nobody_shows_is_an_error_with_its_line(tmp_path: Path, entry: str, said: str) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text(f"claims:\n  - {entry}\n", encoding="utf-8")
    with pytest.raises(DataFileError, match=rf":2: .*{said}"):
        load_claims(path)


@pytest.mark.parametrize("claim", ["scp-status-a700", "scu-failed", "writes-renamed", "gate-approved"])
def test_a_status_a_written_attribute_or_a_gate_that_nobody_shows_is_an_error(
    claim: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = {name: each for name, each in load_claims().items() if name != claim}
    monkeypatch.setattr("tg263_scp.tools.statement.conformance.load_claims", lambda: shown)
    with pytest.raises(DataFileError, match=f"there is no claim '{claim}'"):
        statement()


@pytest.mark.parametrize("unknown", ["{{claim nowhere}}", "{{setting listen.prot}}", "{{nothing}}"])
def test_what_the_template_names_and_nobody_knows_is_an_error_with_its_line(
    tmp_path: Path, unknown: str
) -> None:
    path = tmp_path / TEMPLATE_NAME
    path.write_text(f"# Title\n\n{unknown}\n", encoding="utf-8")
    with pytest.raises(DataFileError, match=r"\.md:3: there is no "):
        fill(path, {}, {}, {})
