"""Where the data that people edit lives: beside the source in a checkout, inside the package in a wheel."""

from __future__ import annotations

from pathlib import Path

from tg263_scp.errors import Tg263Error

_PACKAGE = Path(__file__).resolve().parent


def data_folder(name: str) -> Path:
    """Return the folder ``nomenclature`` or ``prompts``.

    Raises:
        Tg263Error: the installation does not hold it.
    """
    for base in (_PACKAGE / "_data", _PACKAGE.parent):
        folder = base / name
        if folder.is_dir():
            return folder
    raise Tg263Error(
        f"the data folder '{name}' is not part of this installation",
        hint="install the package from its wheel or run it from a complete checkout",
    )
