"""The processes that work at an archive end with the one that was asked, also where it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tg263_scp.dicom.synthetic.structure_sets import write_synthetic
from tg263_scp.tools.archive.copies import Order
from tg263_scp.tools.archive.crew import crew
from tg263_scp.tools.archive.find_files import Source
from tg263_scp.tools.archive.outcome import What

ENDS_WITHIN_S = 30.0
PARENT = """
import sys, time
from pathlib import Path
from tg263_scp.tools.archive.copies import Order
from tg263_scp.tools.archive.crew import crew
from tg263_scp.tools.archive.find_files import Source

if __name__ == "__main__":
    source, output = Path(sys.argv[1]), Path(sys.argv[2])
    with crew(Order((source,), output, jobs=2), lambda workshop: None) as handled_by:
        tasks = ((Source(source, f"{number}.dcm"), None, None) for number in range(8))
        list(handled_by(tasks))
        print("working", flush=True)
        time.sleep(600)
"""


def children(pid: int) -> set[int]:
    """The processes whose parent is ``pid``."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.add(int(stat.parent.name))
    return found


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes as Linux shows them")
def test_workers_end_when_the_process_that_was_asked_is_killed(tmp_path: Path) -> None:
    (tmp_path / "parent.py").write_text(PARENT, encoding="utf-8")
    source, *_ = write_synthetic(tmp_path / "in")
    command = [sys.executable, str(tmp_path / "parent.py"), str(source), str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "working\n"
        workers = children(parent.pid)
        os.kill(parent.pid, signal.SIGKILL)
    assert len(workers) >= 2
    until = time.monotonic() + ENDS_WITHIN_S
    while any(map(is_running, workers)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not [worker for worker in workers if is_running(worker)]


@pytest.mark.usefixtures("loaded_once")
def test_one_process_gives_results_in_the_order_of_the_files(tmp_path: Path) -> None:
    paths = write_synthetic(tmp_path / "in")
    with crew(Order((tmp_path,), tmp_path / "out"), lambda workshop: None) as handled_by:
        found = list(handled_by((Source(path, path.name), None, None) for path in paths))
    assert [each.source.path for each in found] == paths
    assert {each.what for each in found} == {What.RELABELLED}
