"""The names API as a script finds it."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from doubles.desks import Answer, Browser, desk_of, enter

from tg263_scp.cli import main
from tg263_scp.desk.api import application as module
from tg263_scp.desk.security.accounts import enter_token
from tg263_scp.desk.server import RunningDesk
from tg263_scp.tools.names.map import ADDED_COLUMNS

pytestmark = pytest.mark.usefixtures("loaded_once")

CLIENT = Path(__file__).resolve().parents[3] / "deploy" / "examples" / "name_structures.py"
NAMES = ("blase", "Kidney", "left lung", "PTV 60", "zRing", "xyzzy", "Heart")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    settings = "port: 0, names_per_request: 50, request_bytes: 65536, requests_per_minute: 1000"
    with desk_of(tmp_path_factory.mktemp("desk"), desk=settings) as running:
        yield running


@pytest.fixture(scope="module")
def script(desk: RunningDesk) -> Browser:
    token = enter_token(desk.records.config.desk.tokens, "script")
    return Browser(desk.url, {"Authorization": f"Bearer {token}"})


def ask(script: Browser, question: Any, **headers: str | None) -> Answer:
    return script.send(
        "POST", "/api/v1/names", json.dumps(question), Content_Type="application/json", **headers
    )


def question_of(*names: str, site: str = "") -> dict[str, Any]:
    return {"site": site, "names": [{"original_name": name} for name in names]}


def test_it_answers_what_map_answers(script: Browser, tmp_path: Path) -> None:
    table, mapped = tmp_path / "names.csv", tmp_path / "mapped.csv"
    rows = [("original_name", "structure_set"), *((name, "one") for name in NAMES)]
    with table.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    assert main(["map", str(table), "-o", str(mapped)]) == 0
    with mapped.open(encoding="utf-8", newline="") as file:
        expected = [
            {key: row[key] for key in ("original_name", *ADDED_COLUMNS)} for row in csv.DictReader(file)
        ]
    answered = ask(script, question_of(*NAMES)).json["names"]
    found = [
        {key: row[key] for key in ("original_name", *ADDED_COLUMNS)}
        | {"confidence": f"{row['confidence']:.2f}", "candidates": ";".join(row["candidates"])}
        for row in answered
    ]
    assert found == expected


def test_the_site_of_a_row_wins_over_that_of_the_set(script: Browser) -> None:
    rows = [{"original_name": "PTV P", "site": site} for site in ("", "prostate", "head_and_neck")]
    alone = {
        site: ask(script, question_of("PTV P", site=site)).json["names"][0]
        for site in ("prostate", "head_and_neck")
    }
    for row in rows:
        answered = ask(script, {"site": "prostate", "names": [row]}).json["names"][0]
        assert answered == alone[row["site"] or "prostate"]


def test_the_answer_says_under_what_it_was_decided(script: Browser, desk: RunningDesk) -> None:
    answer = ask(script, question_of("heart")).json
    assert answer["nomenclature"] == desk.records.namer.nomenclature.digest
    assert answer["configuration"] == desk.records.config.digest
    assert answer["program"]


def test_without_a_token_it_tells_nothing(desk: RunningDesk) -> None:
    for browser in (Browser(desk.url), Browser(desk.url, {"Authorization": "Bearer wrong"}), enter(desk)):
        for method, path in (
            ("POST", "names"),
            ("GET", "nomenclature"),
            ("GET", "openapi.json"),
            ("GET", "nothing"),
        ):
            answer = browser.send(method, f"/api/v1/{path}", Origin=desk.url)
            assert answer.status in (401, 404)
            assert set(answer.json) == {"detail"}
        assert browser.get("/api/v1/openapi.json").headers["www-authenticate"] == "Bearer"


def test_a_token_opens_no_page(script: Browser) -> None:
    assert script.get("/queue").headers["location"] == "/login"


def test_a_page_elsewhere_cannot_use_it(script: Browser) -> None:
    assert ask(script, question_of("heart"), Origin="https://evil.example").status == 403


@pytest.mark.parametrize(
    ("question", "status"),
    [
        ({}, 422),
        ({"names": []}, 422),
        ({"names": [{}]}, 422),
        ({"names": [{"original_name": 5}]}, 422),
        ({"names": [{"original_name": "\ud800"}]}, 422),
        ({"names": [{"original_name": "heart", "colour": "red"}]}, 422),
        ({"names": [{"original_name": "x" * 1025}]}, 422),
        ({"names": [{"original_name": "x"}] * 51}, 413),
        ({"names": [{"original_name": "x" * 1024}] * 70}, 413),
        ({"names": [{"original_name": "x", "site": f"s{n}"} for n in range(21)]}, 422),
    ],
)
def test_what_cannot_be_answered_is_refused(script: Browser, question: Any, status: int) -> None:
    assert ask(script, question).status == status


def test_what_is_no_json_is_refused(script: Browser) -> None:
    for body in ("", "[", "null", "\xff", "names=heart", "[" * 20_000):
        answer = script.send("POST", "/api/v1/names", body, Content_Type="application/json")
        assert answer.status == 422 or (answer.status == 400 and answer.json), body[:10]


def test_names_of_markup_and_control_characters_are_only_names(script: Browser) -> None:
    names = ["<script>alert(1)</script>", "a\u202eb", "\x00", "\x1b[31m", "{{ 7 * 7 }}", "𝄞" * 10]
    answer = ask(script, question_of(*names))
    assert answer.status == 200
    assert [row["original_name"] for row in answer.json["names"]] == names
    assert {row["status"] for row in answer.json["names"]} <= {"review", "keep"}


def test_a_script_that_asks_too_often_is_told_when_to_come_again(tmp_path: Path) -> None:
    with desk_of(tmp_path, desk="port: 0, requests_per_minute: 2") as desk:
        token = enter_token(desk.records.config.desk.tokens, "script")
        script = Browser(desk.url, {"Authorization": f"Bearer {token}"})
        assert [script.get("/api/v1/nomenclature?limit=1").status for _ in range(2)] == [200, 200]
        refused = script.get("/api/v1/nomenclature")
        assert refused.status == 429
        assert 0 < int(refused.headers["retry-after"]) <= 61


def test_where_others_are_decided_for_long_it_says_so(
    script: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WAIT_S", 0.01)
    taken = [module._WORKING.acquire(), module._WORKING.acquire()]
    try:
        answer = ask(script, question_of("heart"))
        assert (answer.status, bool(answer.headers["retry-after"])) == (503, True)
    finally:
        for _ in taken:
            module._WORKING.release()


def test_the_list_is_searched(script: Browser) -> None:
    answer = script.get("/api/v1/nomenclature?q=parotid&limit=2").json
    assert [name["name"] for name in answer["names"]] == ["Parotids", "Parotid_L"]
    assert answer["total"] > 2
    assert all(name["listed"] for name in answer["names"])


def test_it_is_described(script: Browser) -> None:
    described = script.get("/api/v1/openapi.json").json
    assert set(described["paths"]) == {"/names", "/nomenclature"}
    assert described["servers"] == [{"url": "/api/v1"}]
    assert described["security"] == [{"token": []}]
    assert "NamesAnswer" in described["components"]["schemas"]


def test_the_example_client_asks_and_shows(script: Browser, desk: RunningDesk) -> None:
    token = script.headers["Authorization"].removeprefix("Bearer ")
    answers = "rename  blase -> Bladder\nreview  Kidney -> for review: Kidney_L, Kidney_R"
    for known, code, said in (
        (token, 0, answers),
        ("x", 1, ""),
    ):
        ran = subprocess.run(
            [sys.executable, str(CLIENT), desk.url, "blase", "Kidney"],
            env={"TG263_TOKEN": known},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == code, ran.stderr
        assert ran.stdout.startswith(said)
        assert "Traceback" not in ran.stderr
