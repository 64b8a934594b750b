from __future__ import annotations

import json

import pytest

from tg263_scp.hidden import replaced, visible_json


@pytest.mark.parametrize(
    "char", ["\x1b", "\x7f", "\x9b", "\u200b", "\u202e", "\u2028", "\ue000", "\U000e0041"]
)
def test_what_hides_is_written_out_and_means_the_same(char: str) -> None:
    text = json.dumps({"name": f"Lung{char}_L"}, ensure_ascii=False)
    shown = visible_json(text)
    assert shown.isprintable()
    assert json.loads(shown) == json.loads(text)


def test_letters_of_every_script_stay() -> None:
    text = "Größe 肺 Φ"
    assert replaced(text, lambda char: "?") == text


def test_line_ends_of_json_stay_and_those_in_a_name_were_escaped_before() -> None:
    text = json.dumps(["a\nb"], indent=2)
    assert visible_json(text) == text
