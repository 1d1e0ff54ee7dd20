"""A file is either the old one or the whole new one."""

import pytest

from numerate._errors import InputError
from numerate._output import check_writable, replacing


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_keeps_pointing_to_the_replaced_file(tmp_path):
    path, link = tmp_path / "a.txt", tmp_path / "link.txt"
    path.write_text("old")
    link.symlink_to(path)
    with replacing(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink()
    assert path.read_text() == "new"


def test_permissions_are_those_of_the_file_replaced(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o640)
    with replacing(path) as temporary:
        temporary.write_text("new")
    assert path.stat().st_mode & 0o777 == 0o640


def test_devices_are_written_to_not_replaced():
    with replacing("/dev/null") as path:
        path.write_text("gone")
    check_writable("/dev/null")


def test_unwritable_paths_are_named(tmp_path):
    with pytest.raises(InputError, match="is a directory"):
        check_writable(tmp_path)
    with pytest.raises(InputError, match="there is no folder"):
        check_writable(tmp_path / "nowhere" / "a.txt")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="there is no folder"):
        check_writable(tmp_path / "file" / "a.txt")
    with pytest.raises(InputError, match="cannot be written"):
        check_writable("/proc/a.txt")


def test_checking_leaves_no_trace(tmp_path):
    check_writable(tmp_path / "a.txt")
    assert not list(tmp_path.iterdir())
