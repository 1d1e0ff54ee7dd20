import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from numerate._errors import InputError


def check_writable(path: str | Path) -> None:
    """Raises `InputError` unless a file can be written there, and leaves no trace.

    For use before long work whose result is to be written.

    !!! example
        >>> try:
        ...     check_writable("nowhere/model")
        ... except InputError as error:
        ...     print(error)
        nowhere/model cannot be written: there is no folder 'nowhere'.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} cannot be written: it is a directory.")
    if _is_special(path):
        return
    if not path.parent.is_dir():
        raise InputError(f"{path} cannot be written: there is no folder {str(path.parent)!r}.")
    if path.exists() and not os.access(path, os.W_OK):
        raise InputError(f"{path} cannot be written: it is write-protected.")
    try:
        # Permissions do not tell of read-only or full file systems; trying does.
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from None


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path` that becomes it when the block ends without an error.

    Whoever reads `path` sees the old file or the whole new one, never half of it.

    !!! example
        >>> import tempfile, pathlib
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> with replacing(folder / "a.txt") as temporary:
        ...     _ = temporary.write_text("whole")
        >>> [(p.name, p.read_text()) for p in folder.iterdir()]
        [('a.txt', 'whole')]
    """
    path = Path(path)
    check_writable(path)
    if _is_special(path):
        yield path
        return
    path = path.resolve()  # A link keeps pointing where it did; the file it points to is replaced.
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(_mode(path))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _is_special(path: Path) -> bool:
    """Devices and pipes such as /dev/stdout, which can be written to but not replaced."""
    return path.exists() and not path.is_file()


def _mode(path: Path) -> int:
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
