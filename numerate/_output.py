"""Atomic writing of files: completely or not at all, and only regular files are replaced.

A regular file is written beside the old one and renamed over it. Devices, named pipes and open
descriptors such as /dev/stdout are written through. Anything else raises an error.
"""

import math
import os
import stat
import struct
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from numerate._errors import InputError

_MOST_LINKS = 40  # as in Linux
_PREFIX, _SUFFIX = ".numerate-", ".tmp"  # of temporary files
# FS_IOC_GETFLAGS and FS_APPEND_FL of linux/fs.h; the size of a long is part of the first.
_GET_FLAGS, _APPEND_ONLY = 0x80006601 | struct.calcsize("l") << 16, 0x20
_PROBE = 4096  # bytes: a block, because empty files can be created on a full file system
_waiting: set[str] = set()  # temporary files that are not renamed yet


def user_cache(name: str) -> Path:
    """The folder `numerate/<name>` in the user's cache, by the conventions of the platform.

    **Raises:** `RuntimeError` for a user without a home.

    !!! example
        >>> user_cache("mnist").parts[-2:]
        ('numerate', 'mnist')
    """
    home = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(home) if home else Path.home() / ".cache") / "numerate" / name


def write_file(path: str | Path, content: bytes) -> None:
    """Writes a file. A reader sees the old content or the complete new one.

    Symbolic links do not change. The permissions of a replaced file are kept, and a new file has
    those of the umask.

    **Raises:** `InputError` if it cannot be written. The old file is then unchanged, and no
    temporary file remains.

    !!! example
        >>> import tempfile, pathlib
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> write_file(folder / "a.txt", b"whole")
        >>> [(p.name, p.read_text()) for p in folder.iterdir()]
        [('a.txt', 'whole')]
    """
    through = _checked(path)
    with _explained(path):
        if through is None:
            _replace(Path(os.path.realpath(path)), content)
        else:
            with open(through(), "wb", buffering=0) as stream:
                # A reader may close a pipe early, as `head` does. That is not an error.
                with suppress(BrokenPipeError):
                    _write_all(stream.fileno(), content)


def check_writable(path: str | Path) -> None:
    """Raises `InputError` unless `write_file` can write to the path; leaves no file.

    For use before a long computation whose result is to be written.

    !!! example
        >>> try:
        ...     check_writable("nowhere/model")
        ... except InputError as error:
        ...     print(error)
        nowhere/model cannot be written: there is no folder 'nowhere'.
    """
    through = _checked(path)
    with _explained(path):
        if through is None:
            real = os.path.realpath(path)
            if why := _why_not_replaced(real):
                raise InputError(f"{path} cannot be written: {why}; name another file.")
            # Permissions do not show read-only or full file systems, so this tries to write.
            with tempfile.TemporaryFile(dir=os.path.dirname(real)) as probe:
                probe.write(bytes(_PROBE))
        elif _descriptor(Path(path)) is None and stat.S_ISCHR(os.stat(path).st_mode):
            # There may be no terminal.
            os.close(os.open(path, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK))


def is_stream(path: str | Path) -> bool:
    """Whether a path is written through instead of replaced: its reader may let it wait.

    !!! example
        >>> is_stream("/dev/null"), is_stream("model")
        (True, False)
    """
    with suppress(InputError):
        return _checked(path) is not None
    return False


def check_not_read(path: str | Path, read: Iterable[str | Path]) -> None:
    """Raises `InputError` if a path to write names a file that is read.

    !!! example
        >>> check_not_read("a.csv", ["b.csv"])
        >>> try:
        ...     check_not_read("/dev/../dev/null", ["/dev/null"])
        ... except InputError as error:
        ...     print(error)
        /dev/../dev/null is read here; name another file to write to.
    """
    for other in read:
        if os.path.exists(path) and os.path.exists(other) and os.path.samefile(path, other):
            raise InputError(f"{path} is read here; name another file to write to.")


def check_folder(folder: str | Path, names: tuple[str, ...]) -> None:
    """Makes a folder; raises `InputError` unless files of these names can be written in it.

    !!! example
        >>> import tempfile, pathlib
        >>> check_folder(pathlib.Path(tempfile.mkdtemp()) / "a" / "b", ("table.md",))
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        kind = "a file" if os.path.exists(folder) else "a link that leads nowhere"
        raise InputError(f"{folder} cannot hold results: it is {kind}.") from None
    except NotADirectoryError:
        raise InputError(f"{folder} cannot be created: there is a file in its path.") from None
    except OSError as error:
        raise InputError(f"{folder} cannot be created: {reason(error)}.") from None
    for name in names:
        check_writable(Path(folder) / name)


def finite(value: Any) -> Any:
    """The same JSON value with None for NaN and infinities.

    !!! example
        >>> finite({"a": [1.0, float("nan")]})
        {'a': [1.0, None]}
    """
    if isinstance(value, dict):
        return {key: finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def reason(error: OSError) -> str:
    """The reason of an operating system error, for the end of a sentence.

    !!! example
        >>> reason(FileNotFoundError(2, "No such file or directory"))
        'No such file or directory'
    """
    return error.strerror or str(error)


def remove_temporaries() -> None:
    """Removes temporary files, for a process that ends without cleanup.

    !!! example
        >>> remove_temporaries()
    """
    for name in tuple(_waiting):
        with suppress(OSError):
            os.unlink(name)


def remove_leftovers(folder: Path) -> None:
    """Removes the temporary files of processes that were killed between the naming of a new file
    and its renaming. For a folder into which no other process writes."""
    for path in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        with suppress(OSError):
            path.unlink()


@contextmanager
def _explained(path: str | Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{path} cannot be written: {reason(error)}.") from None


def _checked(named: str | Path) -> Callable[[], str | int] | None:
    """The stream to open for a path, or None for a file that is replaced."""
    if os.fspath(named).endswith(("/", os.sep)):  # which a `Path` forgets
        raise InputError(f"{named} cannot be written: it names a folder; name a file.")
    path = Path(named)
    if "\0" in str(path):
        raise InputError(f"{str(path)!r} cannot be written: no name has a null character.")
    with _explained(path):
        try:
            mode = os.stat(path).st_mode
        except (FileNotFoundError, NotADirectoryError):
            mode = None
        descriptor = _descriptor(path)
    if mode is not None:
        if stat.S_ISDIR(mode):
            raise InputError(f"{path} cannot be written: it is a directory.")
        if not (stat.S_ISREG(mode) or stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)):
            raise InputError(f"{path} cannot be written: it is neither a file nor a stream.")
        if descriptor is not None and not _is_open_to_write(descriptor):
            raise InputError(f"{path} cannot be written: it is open for reading only.")
        if descriptor is None and not os.access(path, os.W_OK):
            raise InputError(f"{path} cannot be written: it is write-protected.")
        if descriptor is not None:
            # A new file description would begin at 0 and overwrite printed text.
            return lambda: os.dup(descriptor)
        if not stat.S_ISREG(mode):
            return lambda: str(path)
    with _explained(path):  # The working folder may have been deleted.
        folder = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(folder):
        shown = path.parent if not path.is_symlink() else folder
        raise InputError(f"{path} cannot be written: there is no folder {str(shown)!r}.")
    return None


def _why_not_replaced(path: str) -> str | None:
    """Why no file may be renamed to a path, as far as that is known before."""
    try:
        old, folder = os.lstat(path), os.stat(os.path.dirname(path))
    except FileNotFoundError:
        return None
    if _is_append_only(path) or _is_append_only(os.path.dirname(path)):
        return "it may only be appended to"
    if _mount(path) != _mount(os.path.dirname(path)):
        return "another file system is mounted there"
    is_sticky = folder.st_mode & stat.S_ISVTX
    if is_sticky and os.geteuid() not in (0, old.st_uid, folder.st_uid):
        return "it belongs to another user"
    return None


def _is_append_only(path: str) -> bool:
    """Whether a file or folder has the append-only attribute, with which no file is replaced."""
    if sys.platform != "linux":
        return False
    import fcntl

    flags = bytearray(8)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:  # Not readable; the renaming reports it then.
        return False
    try:
        fcntl.ioctl(descriptor, _GET_FLAGS, flags)
    except OSError:  # The file system has no such marks.
        return False
    finally:
        os.close(descriptor)
    return bool(int.from_bytes(flags, sys.byteorder) & _APPEND_ONLY)


def _mount(path: str) -> str | None:
    """The number of the mount that holds a path, if the system tells: containers mount files."""
    if not hasattr(os, "O_PATH"):
        return None
    descriptor = os.open(path, os.O_PATH)
    try:
        with suppress(FileNotFoundError):
            found = Path(f"/proc/self/fdinfo/{descriptor}").read_text()
            return next((line for line in found.splitlines() if line.startswith("mnt_id:")), None)
        return None
    finally:
        os.close(descriptor)


def _descriptor(path: Path) -> int | None:
    """The descriptor of this process for a path such as /dev/stdout or /dev/fd/3."""
    own = {os.path.realpath("/dev/fd"), os.path.realpath("/proc/self/fd")}
    for _ in range(_MOST_LINKS):
        if path.name.isdecimal() and os.path.realpath(path.parent) in own:
            return int(path.name)
        if not path.is_symlink():
            return None
        path = path.parent / os.readlink(path)
    return None


def _is_open_to_write(descriptor: int) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows has no such paths
        return True
    mode = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE
    return mode in (os.O_WRONLY, os.O_RDWR)


def _replace(path: Path, content: bytes) -> None:
    name = _name_beside(path)
    _waiting.add(name)
    try:
        descriptor = _unnamed(path.parent)
        is_named = descriptor is None
        if descriptor is None:
            descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            _write_all(descriptor, content)
            _take_over(path, descriptor if os.chmod in os.supports_fd else name)
            os.fsync(descriptor)  # Some file systems report only now that they are full.
            if not is_named:
                _name(descriptor, name)
        finally:
            os.close(descriptor)
        os.replace(name, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name)
        _waiting.discard(name)


def _name_beside(path: Path) -> str:
    # Independent of the file's name, which may have the maximum length.
    return str(path.parent / f"{_PREFIX}{os.urandom(8).hex()}{_SUFFIX}")


def _unnamed(folder: Path) -> int | None:
    """A file without a name, if the system has them: a killed process leaves no such file."""
    if not hasattr(os, "O_TMPFILE") or not os.path.isdir("/proc/self/fd"):
        return None
    try:
        return os.open(folder, os.O_TMPFILE | os.O_WRONLY, 0o600)
    except OSError:  # Unknown to the kernel or file system; or the next open reports the cause.
        return None


def _name(descriptor: int, name: str) -> None:
    # With `src_dir_fd`, which is not used, Python follows the link to the file itself.
    os.link(f"/proc/self/fd/{descriptor}", name, src_dir_fd=descriptor, follow_symlinks=True)


def _write_all(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def _take_over(path: Path, new: int | str) -> None:
    """Give the new file the permissions and, as far as allowed, the owner of the old one."""
    try:
        old = os.stat(path)
    except FileNotFoundError:
        os.chmod(new, 0o666 & ~_umask())
        return
    if hasattr(os, "chown"):
        with suppress(PermissionError):
            os.chown(new, old.st_uid, old.st_gid)
    os.chmod(new, stat.S_IMODE(old.st_mode) & 0o777)


def _umask() -> int:
    """The process's umask. Setting it would briefly change it for other threads."""
    with suppress(OSError, ValueError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
