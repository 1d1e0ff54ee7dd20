"""A file is the old one or the complete new one, and only regular files are replaced."""

import os
import shutil
import socket
import stat
import subprocess
import sys
import threading

import pytest

from numerate import _output
from numerate._errors import InputError
from numerate._output import check_folder, check_writable, write_file
from tests.cli.programs import limited


@pytest.fixture(params=["unnamed", "named"])
def path(request, tmp_path, monkeypatch):
    """A path, on file systems with unnamed temporary files and on those without."""
    if request.param == "named":
        monkeypatch.setattr(_output, "_unnamed", lambda folder: None)
    return tmp_path / "a.txt"


def test_a_full_disk_leaves_the_old_file_and_nothing_else(path, monkeypatch):
    path.write_bytes(b"old")

    def full(descriptor, content):
        os.write(descriptor, content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_output, "_write_all", full)
    with pytest.raises(InputError, match=r"a.txt cannot be written: No space left on device\.$"):
        write_file(path, b"new content")
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


def test_a_real_limit_of_the_system_is_one_sentence(tmp_path):
    code = (
        "import sys; from numerate._output import write_file\n"
        "write_file(sys.argv[1], b'small')\n"
        "write_file(sys.argv[1], bytes(10**6))"
    )
    done = subprocess.run(
        limited(2**16, [sys.executable, "-c", code, str(tmp_path / "a")]),
        capture_output=True,
        text=True,
    )
    assert done.stderr.endswith(f"{tmp_path}/a cannot be written: File too large.\n")
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a", "small")]


def test_links_keep_pointing_to_the_file_that_is_replaced(path):
    folder = path.parent / "elsewhere"
    folder.mkdir()
    target, link, second = folder / "b.txt", path.parent / "link", path.parent / "second"
    link.symlink_to("elsewhere/b.txt")
    second.symlink_to(link)
    for content in (b"made through a dangling link", b"replaced"):
        write_file(second, content)
        assert second.is_symlink() and link.is_symlink() and not target.is_symlink()
        assert target.read_bytes() == content
    assert sorted(p.name for p in path.parent.rglob("*")) == [
        "b.txt",
        "elsewhere",
        "link",
        "second",
    ]


def test_permissions_are_those_of_the_old_file_or_of_the_umask(path):
    before = os.umask(0o027)
    try:
        write_file(path, b"new")
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o604)
        write_file(path, b"newer")
        assert stat.S_IMODE(path.stat().st_mode) == 0o604
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)


def test_devices_pipes_and_descriptors_are_written_through(tmp_path):
    before = os.stat("/dev/null")
    check_writable("/dev/null")
    write_file("/dev/null", b"gone")
    after = os.stat("/dev/null")
    assert stat.S_ISCHR(after.st_mode) and after.st_ino == before.st_ino

    content = os.urandom(300_000)  # more than a pipe holds
    fifo, link = tmp_path / "fifo", tmp_path / "link"
    os.mkfifo(fifo)
    link.symlink_to(fifo)
    received = []
    reader = threading.Thread(target=lambda: received.append(fifo.read_bytes()))
    reader.start()
    check_writable(link)
    write_file(link, content)
    reader.join(10)
    assert received == [content] and stat.S_ISFIFO(os.stat(fifo).st_mode)

    reading, writing = os.pipe()
    os.close(reading)
    write_file(f"/dev/fd/{writing}", content)  # as into `| true`
    os.close(writing)

    with open(tmp_path / "out", "wb", buffering=0) as out:
        out.write(b"before ")
        name = tmp_path / "name"
        name.symlink_to(f"/dev/fd/{out.fileno()}")
        check_writable(name)
        write_file(name, b"model ")
        write_file(f"/proc/self/fd/{out.fileno()}", b"again ")
        out.write(b"after")
    assert (tmp_path / "out").read_bytes() == b"before model again after"

    with pytest.raises(InputError, match="/dev/full cannot be written: No space left on device"):
        write_file("/dev/full", b"x")


def test_what_cannot_be_written_is_refused_with_the_path_and_the_reason(tmp_path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "away").symlink_to("nowhere/a.txt")
    (tmp_path / "read").write_text("only")
    with open(tmp_path / "read", "rb") as reading:
        cases = {
            tmp_path: "it is a directory",
            f"{tmp_path}/new/": "it names a folder; name a file",  # which a `Path` would forget
            "": "it is a directory",
            tmp_path / "socket": "it is neither a file nor a stream",
            tmp_path / "nowhere" / "a.txt": f"there is no folder '{tmp_path / 'nowhere'}'",
            tmp_path / "file" / "a.txt": f"there is no folder '{tmp_path / 'file'}'",
            tmp_path / "away": f"there is no folder '{tmp_path / 'nowhere'}'",
            tmp_path / "loop": "Too many levels of symbolic links",
            tmp_path / ("a" * 300): "File name too long",
            f"/dev/fd/{reading.fileno()}": "it is open for reading only",
            "/proc/a.txt": "No such file or directory",  # for every user
        }
        before = sorted(tmp_path.iterdir())
        for path, reason in cases.items():
            for attempt in (check_writable, lambda path: write_file(path, b"x")):
                with pytest.raises(InputError) as caught:
                    attempt(path)
                assert str(caught.value) == f"{path or '.'} cannot be written: {reason}."
    assert sorted(tmp_path.iterdir()) == before


def test_a_deleted_working_folder_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tmp_path.rmdir()
    try:
        for attempt in (check_writable, lambda path: write_file(path, b"x")):
            with pytest.raises(InputError, match="^a cannot be written: No such file or directory"):
                attempt("a")
    finally:
        tmp_path.mkdir()


def test_the_longest_name_is_written(path):
    longest = path.with_name("b" * 255)
    check_writable(longest)
    write_file(longest, b"x")
    assert longest.read_bytes() == b"x"


def test_folders_are_made_and_checked(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "taken" / "table.md").mkdir(parents=True)
    for folder, reason in {
        tmp_path / "file": "cannot hold results: it is a file",
        tmp_path / "file" / "below": "cannot be created: there is a file in its path",
        tmp_path / ("a" * 300): "cannot be created: File name too long",
        tmp_path / "taken": f"{tmp_path / 'taken' / 'table.md'} cannot be written: it is a direct",
    }.items():
        with pytest.raises(InputError, match=reason):
            check_folder(folder, ("table.md",))
    check_folder(tmp_path / "a" / "b", ("table.md",))
    assert not list((tmp_path / "a" / "b").iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may take another user's name")
def test_root_leaves_files_to_their_owners(path):
    path.write_text("old")
    os.chown(path, 12, 34)
    write_file(path, b"new")
    assert (path.stat().st_uid, path.stat().st_gid) == (12, 34)


def test_folders_without_permission(tmp_path):
    """Root may write everywhere, so the process changes its user after its imports."""
    folder = tmp_path / "closed"
    folder.mkdir()
    (folder / "old").write_text("old")
    (folder / "old").chmod(0o644)
    folder.chmod(0o555)
    code = (
        "import os, sys\n"
        "from numerate._output import check_writable, write_file, InputError\n"
        "if os.geteuid() == 0: os.setegid(65534); os.seteuid(65534)\n"
        "for name in ('new', 'old'):\n"
        "    for attempt in (check_writable, lambda path: write_file(path, b'x')):\n"
        "        try: attempt(sys.argv[1] + '/' + name)\n"
        "        except InputError as error: print(error)"
    )
    # For others, the folders above are closed as well; the path is relative, so that it is found.
    done = subprocess.run(
        [sys.executable, "-c", code, "closed"],
        capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": os.getcwd()},
    )  # fmt: skip
    new, again, *old = done.stdout.splitlines()
    assert new == again == "closed/new cannot be written: Permission denied."
    assert len(old) == 2 and all(line.startswith("closed/old cannot be written: ") for line in old)
    assert [p.name for p in folder.iterdir()] == ["old"]


def test_what_may_not_be_replaced_is_known_before(tmp_path, monkeypatch):
    """Another user's file in a folder such as /tmp, and a file that a container mounted."""
    path = tmp_path / "old"
    path.write_text("old")
    tmp_path.chmod(0o1777)
    monkeypatch.setattr(os, "geteuid", lambda: os.stat(path).st_uid + 1)
    with pytest.raises(InputError, match="old cannot be written: it belongs to another user; name"):
        check_writable(path)
    tmp_path.chmod(0o777)
    check_writable(path)
    monkeypatch.setattr(_output, "_mount", str)
    with pytest.raises(InputError, match="another file system is mounted there; name another"):
        check_writable(path)
    check_writable(tmp_path / "new")


@pytest.mark.skipif(not shutil.which("chattr"), reason="marks files with chattr")
@pytest.mark.parametrize("marked", ["old", "."])
def test_files_that_may_only_be_appended_to_are_known_before(tmp_path, marked):
    path = tmp_path / "old"
    path.write_text("old")
    if subprocess.run(["chattr", "+a", tmp_path / marked], capture_output=True).returncode:
        pytest.skip("only root may mark files, and not on every file system")
    try:
        with pytest.raises(InputError, match="old cannot be written: it may only be appended to"):
            check_writable(path)
    finally:
        subprocess.run(["chattr", "-a", tmp_path / marked], check=True)
    check_writable(path)


def test_a_device_that_cannot_be_opened_is_known_before(monkeypatch):
    """As a terminal that a process does not have."""

    def refused(path, *options):
        raise OSError(6, "No such device or address")

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(InputError, match="/dev/null cannot be written: No such device or address"):
        check_writable("/dev/null")


def test_two_writers_leave_one_whole_file(path):
    contents = [bytes([n]) * 100_000 for n in range(8)]
    writers = [threading.Thread(target=write_file, args=(path, c)) for c in contents]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert not path.exists() or path.read_bytes() in contents
    assert path.read_bytes() in contents
    assert list(path.parent.iterdir()) == [path]
