"""Where the data that people edit lives: beside the source in a checkout, inside the package in a wheel."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import platformdirs

from tg263_scp.errors import Tg263Error

_PACKAGE = Path(__file__).resolve().parent
_IN_A_CHECKOUT = {"cases": "tests/cases"}
"""Folders that stand elsewhere in a checkout than in a wheel."""


def data_folder(name: str) -> Path:
    """Return the folder ``nomenclature``, ``prompts``, ``conformance`` or ``cases``.

    Raises:
        Tg263Error: the installation does not hold it.
    """
    for folder in (_PACKAGE / "_data" / name, _PACKAGE.parent / _IN_A_CHECKOUT.get(name, name)):
        if folder.is_dir():
            return folder
    raise Tg263Error(
        f"the data folder '{name}' is not part of this installation",
        hint="install the package from its wheel or run it from a complete checkout",
    )


def cache_folder() -> Path | None:
    """Return the folder for what can be made again at any time; None where the user has no home.

    The place is the one that each system has for it: ``XDG_CACHE_HOME`` or ``~/.cache``, ``Library/Caches``, or the local
    application data of Windows.
    """
    try:
        folder = platformdirs.user_cache_path("tg263-scp", appauthor=False, opinion=False)
    except RuntimeError:  # there is no home
        return None
    # Earlier versions of platformdirs leave "~" in the name, which would be a folder right here.
    return folder if folder.is_absolute() else None


def cached_text(name: str) -> str | None:
    """Return a text left in the cache, None where there is none."""
    folder = cache_folder()
    try:
        return (folder / name).read_text(encoding="utf-8") if folder else None
    except (OSError, UnicodeDecodeError):
        return None


def keep_text(name: str, text: str) -> None:
    """Leave a text in the cache; where that cannot be written the next start is slower, no more."""
    folder = cache_folder()
    if folder is None:
        return
    part = folder / f"{name}.{os.getpid()}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        part.replace(folder / name)
    except OSError:
        with suppress(OSError):
            part.unlink()
