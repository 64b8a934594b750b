"""Where data of the package and what can be made again lives."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tg263_scp import resources
from tg263_scp.errors import Tg263Error

pytestmark = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="the places of Linux")


def test_the_cache_lies_where_the_system_has_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert resources.cache_folder() == tmp_path / ".cache" / "tg263-scp"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "elsewhere"))
    assert resources.cache_folder() == tmp_path / "elsewhere" / "tg263-scp"


def test_a_user_without_a_home_has_no_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(
        "pwd.getpwuid", lambda uid: {}[uid]
    )  # a container run under a user that it does not know
    monkeypatch.chdir(tmp_path)
    assert resources.cache_folder() is None
    resources.keep_text("lexicon", "text")
    assert resources.cached_text("lexicon") is None
    assert list(tmp_path.iterdir()) == []


def test_what_is_kept_is_read_again_and_a_full_or_read_only_disk_is_no_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert resources.cached_text("lexicon") is None
    resources.keep_text("lexicon", "Lüge")
    assert resources.cached_text("lexicon") == "Lüge"
    assert [path.name for path in (tmp_path / "tg263-scp").iterdir()] == ["lexicon"]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "tg263-scp" / "lexicon"))  # a file is no folder
    resources.keep_text("lexicon", "more")
    assert resources.cached_text("lexicon") is None


def test_data_that_is_not_installed_is_an_error_with_a_hint() -> None:
    assert (resources.data_folder("nomenclature") / "tg263.yaml").is_file()
    with pytest.raises(Tg263Error) as caught:
        resources.data_folder("absent")
    assert "install the package" in caught.value.hint
