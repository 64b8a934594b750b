"""Which files an archive tool looks at, and where the copy of each belongs.

Folders are searched recursively in a fixed order. Links to files are followed, links to folders are not (they may lead
in circles) but are counted, so that they are not taken for done. The output folder is never searched.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tg263_scp.tools.shared.exitcode import UsageError


@dataclass(frozen=True, slots=True)
class Source:
    """A file to look at. ``relative`` is the place of its copy below the output folder, with forward slashes."""

    path: Path
    relative: str


@dataclass(slots=True)
class Found:
    """What a search found. ``unreadable`` are folders that could not be listed, with the reason."""

    sources: list[Source] = field(default_factory=list)
    folder_links: int = 0
    unreadable: list[tuple[Path, str]] = field(default_factory=list)


def find_files(paths: Sequence[Path], output: Path) -> Found:
    """List the files under ``paths`` with the places of their copies below ``output``.

    One folder is mirrored as it is. Several inputs each get a folder of their own name (``-2`` and so on where two are
    called alike), so that no two files ever share a place.

    Raises:
        UsageError: a path does not exist.
    """
    found = Found()
    excluded = output.resolve()
    taken: set[str] = set()
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path} does not exist", hint="give files or folders that hold DICOM")
        if path.is_dir():
            prefix = PurePosixPath(_free(path.resolve().name or "root", taken) if len(paths) > 1 else "")
            for file in _walk(path, excluded, found):
                relative = PurePosixPath(*file.relative_to(path).parts)
                found.sources.append(Source(file, str(prefix / relative)))
        else:
            found.sources.append(Source(path, _free(path.name, taken)))
    return found


def _free(name: str, taken: set[str]) -> str:
    """Return ``name``, or ``name-2``, ``name-3`` ... where it is taken (case aside: some file systems ignore it)."""
    stem, dot, suffix = name.partition(".")
    number, free = 1, name
    while free.casefold() in taken:
        number += 1
        free = f"{stem}-{number}{dot}{suffix}"
    taken.add(free.casefold())
    return free


def _walk(folder: Path, excluded: Path, found: Found) -> Iterator[Path]:
    def unlistable(problem: OSError) -> None:
        found.unreadable.append((Path(problem.filename or folder), problem.strerror or "cannot be listed"))

    for place, folders, files in os.walk(folder, onerror=unlistable):
        here = Path(place)
        links = [name for name in folders if (here / name).is_symlink()]
        found.folder_links += len(links)
        folders[:] = sorted(
            name for name in folders if name not in links and (here / name).resolve() != excluded
        )
        if here.resolve() == excluded:
            folders.clear()
            continue
        for name in sorted(files):
            if _is_file(here / name):
                yield here / name


def _is_file(path: Path) -> bool:
    """Tell whether a name is a file or a link to one; a pipe, a device or a dangling link is not."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False
