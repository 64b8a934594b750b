"""Relabelling large structure sets: time against pydicom's read-edit-write and against copying the file, and peak memory.

    python benchmarks/relabel.py [MEGABYTES ...]

The sets are made here: 30 ROIs, contours of 150 points, sequences and items of undefined length, which have to be walked
to find their end, and for comparison of defined length. All ways run in turn in one process on files that are in the page
cache, the best of several rounds counts. ``copy`` reads and writes the file and is as durable as a relabelled file: the
content and the name are synced; ``copy, not synced`` is plain shutil. Relabelling includes reading the ROIs and the proof:
the written file read back and walked, every byte compared, four digests. Peak memory is that of a new process beyond what
it has after its imports (Linux). The last lines say what is asked for and what was found.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from struct import pack

import pydicom

from tg263_scp.dicom.editing.provenance import Provenance
from tg263_scp.dicom.editing.relabel import relabel
from tg263_scp.dicom.encoding.part10 import EXPLICIT_VR_LITTLE_ENDIAN, write_part10
from tg263_scp.dicom.reading.structure_set import RT_STRUCTURE_SET_STORAGE
from tg263_scp.durable import whole_file

ROIS, POINTS, ROUNDS, PYDICOM_ROUNDS = 30, 150, 25, 3
TIMES_PYDICOM, TIMES_COPY = 10, 0.5  # what is asked for, of undefined length
NEW_NAMES = {index: f"Lung_L_{index}" for index in range(ROIS)}
PROVENANCE = Provenance(datetime(2026, 1, 1, tzinfo=UTC), "BENCHMARK")
_UID = b"1.2.826.0.1.3680043.8.498.11111111111111111111111111111111111"


def element(tag: int, vr: bytes, value: bytes) -> bytes:
    value += (b"\0" if vr == b"UI" else b" ") * (len(value) % 2)
    return pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value


def sequence(tag: int, items: list[bytes], *, undefined: bool) -> bytes:
    head = pack("<HH2sH", tag >> 16, tag & 0xFFFF, b"SQ", 0)
    if not undefined:
        content = b"".join(pack("<HHI", 0xFFFE, 0xE000, len(item)) + item for item in items)
        return head + pack("<I", len(content)) + content
    opened, closed = pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF), pack("<HHI", 0xFFFE, 0xE00D, 0)
    content = b"".join(opened + item + closed for item in items)
    return head + pack("<I", 0xFFFFFFFF) + content + pack("<HHI", 0xFFFE, 0xE0DD, 0)


def write_set(path: Path, megabytes: float, *, undefined: bool) -> None:
    """Write a structure set of about this size."""
    points = b"\\".join(b"%.2f" % (number * 7919 % 50_000 / 100 - 250) for number in range(3 * POINTS))
    image = element(0x00081150, b"UI", b"1.2.840.10008.5.1.4.1.1.2") + element(0x00081155, b"UI", _UID)
    contour = sequence(0x30060016, [image], undefined=undefined) + element(
        0x30060042, b"CS", b"CLOSED_PLANAR"
    )
    contour += element(0x30060046, b"IS", b"%d" % POINTS) + element(0x30060050, b"DS", points)
    contours = sequence(
        0x30060040, [contour] * (int(megabytes * 1_000_000) // ROIS // len(contour)), undefined=undefined
    )
    numbers = [b"%d" % number for number in range(1, ROIS + 1)]
    rois = [element(0x30060022, b"IS", n) + element(0x30060026, b"LO", b"organ " + n) for n in numbers]
    shapes = [contours + element(0x30060084, b"IS", n) for n in numbers]
    notes = [
        element(0x30060082, b"IS", n) + element(0x30060084, b"IS", n) + element(0x300600A4, b"CS", b"ORGAN")
        for n in numbers
    ]
    data_set = element(0x00080016, b"UI", RT_STRUCTURE_SET_STORAGE.encode()) + element(
        0x00080018, b"UI", _UID
    )
    for tag, items in ((0x30060020, rois), (0x30060039, shapes), (0x30060080, notes)):
        data_set += sequence(tag, items, undefined=undefined)
    with path.open("wb") as out:
        write_part10(
            out,
            data_set,
            sop_class_uid=RT_STRUCTURE_SET_STORAGE,
            sop_instance_uid=_UID.decode(),
            transfer_syntax_uid=EXPLICIT_VR_LITTLE_ENDIAN,
        )


def with_pydicom(source: Path, target: Path) -> None:
    dataset = pydicom.dcmread(source)
    for index, roi in enumerate(dataset.StructureSetROISequence):
        roi.ROIName = NEW_NAMES[index]
    dataset.save_as(target)


def copied(source: Path, target: Path) -> None:
    with whole_file(target) as (out, _), source.open("rb") as file:
        shutil.copyfileobj(file, out, 1 << 20)


WAYS: dict[str, Callable[[Path, Path], object]] = {
    "relabel": lambda source, target: relabel(source, target, NEW_NAMES, provenance=PROVENANCE),
    "relabel, no provenance": lambda source, target: relabel(source, target, NEW_NAMES),
    "pydicom": with_pydicom,
    "copy": copied,
    "copy, not synced": shutil.copyfile,
}


def times_s(source: Path, target: Path) -> dict[str, float]:
    """Return the best wall time of each way, in seconds."""
    best = dict.fromkeys(WAYS, float("inf"))
    for round_ in range(ROUNDS):
        for name, way in WAYS.items():
            if name == "pydicom" and round_ >= PYDICOM_ROUNDS:
                continue  # slow and steady
            began = time.perf_counter()
            way(source, target)
            best[name] = min(best[name], time.perf_counter() - began)
            target.unlink()
    return best


def peak_mb(name: str, source: Path, target: Path) -> float:
    """Return by how much one way raises the peak memory of a new process, in MB."""
    code = (
        "import re, sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]); from relabel import WAYS; "
        "peak = lambda: int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1]); before = peak(); "
        "WAYS[sys.argv[2]](Path(sys.argv[3]), Path(sys.argv[4])); print(peak() - before)"
    )
    command = [sys.executable, "-c", code, str(Path(__file__).parent), name, str(source), str(target)]
    grown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    target.unlink()
    return int(grown) / 1000


def main() -> None:
    """Print the table, then what is asked for."""
    sizes = [int(size) for size in sys.argv[1:]] or [8, 48]
    asked: list[str] = []
    print(f"{'set':22}{'way':26}{'ms':>8}{'x pydicom':>11}{'x copy':>8}{'peak MB':>9}")
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        source, target = Path(folder) / "source.dcm", Path(folder) / "target.dcm"
        for undefined in (True, False):
            for size in sizes:
                write_set(source, size, undefined=undefined)
                best = times_s(source, target)
                label = f"{size} MB, {'undefined' if undefined else 'defined'}"
                for name, seconds in best.items():
                    ratios = f"{best['pydicom'] / seconds:11.1f}{best['copy'] / seconds:8.2f}"
                    print(
                        f"{label:22}{name:26}{seconds * 1000:8.1f}{ratios}{peak_mb(name, source, target):9.1f}"
                    )
                if undefined:
                    asked += _asked(label, best)
    print("\n" + "\n".join(asked))


def _asked(label: str, best: dict[str, float]) -> Iterator[str]:
    for peer, least in (("pydicom", TIMES_PYDICOM), ("copy", TIMES_COPY)):
        times = best[peer] / best["relabel"]
        yield f"{label}: {times:.2f} times as fast as {peer}, at least {least} asked: {'yes' if times >= least else 'NO'}"


if __name__ == "__main__":
    main()
