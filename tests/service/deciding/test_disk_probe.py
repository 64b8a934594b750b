from __future__ import annotations

from tg263_scp.service.deciding.disk_probe import disk_refuses


def test_a_folder_that_takes_a_file_does_not_refuse_and_keeps_nothing(tmp_path):
    assert not disk_refuses(tmp_path, 1000)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_refuses(tmp_path):
    assert disk_refuses(tmp_path, 1 << 60)


def test_a_folder_that_is_none_refuses(tmp_path):
    assert disk_refuses(tmp_path / "gone", 0)
