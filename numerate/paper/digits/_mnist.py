"""The four files of MNIST: finding, verifying and downloading them."""

import gzip
import hashlib
import math
import os
import tempfile
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from numerate._errors import InputError
from numerate._output import check_folder, check_writable, user_cache, write_file

# SHA-256 of the uncompressed content: mirrors compress the same files differently.
MNIST_FILES: Mapping[str, str] = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
FOLDER_VARIABLE = "NUMERATE_DATA"
_UNSIGNED_BYTES = 8


def mnist_cache() -> Path:
    """The folder that `numerate data mnist` fills: `numerate/mnist` in the user's cache.

    !!! example
        >>> mnist_cache().parts[-2:]
        ('numerate', 'mnist')
    """
    return user_cache("mnist")


def mnist_folder() -> Path | None:
    """The folder of MNIST: that in `NUMERATE_DATA`, or the cache if it holds any of the files.

    !!! example
        >>> from unittest import mock
        >>> with mock.patch.dict(os.environ, NUMERATE_DATA="digits"):
        ...     print(mnist_folder())
        digits
    """
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named)
    cache = mnist_cache()
    return cache if any(_find(cache, name) for name in MNIST_FILES) else None


def read_mnist(
    folder: str | Path, sha256: Mapping[str, str] = MNIST_FILES
) -> tuple[np.ndarray, ...]:
    """The four arrays of MNIST, from its four files, each uncompressed or gzipped (`….gz`).

    **Arguments:** `folder`; `sha256`, the names of the files in the order of the result, with
    the SHA-256 of their uncompressed content.

    **Returns:** training images `(60000, 28, 28)` and labels `(60000,)`, then those of the test
    set, `(10000, 28, 28)` and `(10000,)`, all of unsigned bytes.

    **Raises:** `InputError` for a folder or file that is missing, unreadable or truncated, or has
    other content.

    !!! example
        >>> import pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> content = bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1])
        >>> _ = (folder / "labels").write_bytes(content)
        >>> read_mnist(folder, {"labels": hashlib.sha256(content).hexdigest()})
        (array([7, 2, 1], dtype=uint8),)
    """
    folder = Path(folder)
    if not os.path.isdir(folder):
        raise InputError(f"there is no folder {str(folder)!r} with the files of MNIST.")
    found = {name: _find(folder, name) for name in sha256}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        raise InputError(
            f"{folder} lacks {' and '.join(missing)}, which may also end in .gz; "
            f"MNIST are the {len(sha256)} files {', '.join(sha256)}."
        )
    return tuple(
        _array(path, _verified(path, _content(path), sha256[name]))
        for name, path in found.items()
        if path is not None
    )


def download_mnist(
    folder: str | Path | None = None,
    *,
    mirrors: tuple[str, ...] = MIRRORS,
    sha256: Mapping[str, str] = MNIST_FILES,
    note: Callable[[str], Any] = lambda sentence: None,
) -> Path:
    """Download the files of MNIST that are missing from a folder or have other content.

    Each is verified before it is moved into the folder, which never holds an incomplete file.

    **Arguments:** `folder`, by default the cache; `mirrors`, base addresses, tried in order;
    `sha256` as for `read_mnist`; `note`, called with progress messages.

    **Returns:** the folder.

    **Raises:** `InputError` if pooch is not installed, the folder cannot be written, or no
    mirror has a file with the right content.
    """
    folder = mnist_cache() if folder is None else Path(folder)
    retrieve = _pooch()
    check_folder(folder, ())
    for name, expected in sha256.items():
        if _has(folder, name, expected):
            note(f"{name} exists already.")
            continue
        check_writable(folder / f"{name}.gz")
        content = _fetched(retrieve, mirrors, f"{name}.gz", expected, note)
        write_file(folder / f"{name}.gz", content)
    return folder


def _pooch() -> Callable[..., Any]:
    try:
        import pooch
    except ImportError:
        raise InputError(
            'downloading needs pooch: pip install "numerate[data]". Or put the four files of '
            f"MNIST into a folder and name it in {FOLDER_VARIABLE}."
        ) from None
    # pooch would print the hash of every gzipped file, which differs between mirrors.
    pooch.get_logger().setLevel("ERROR")
    return pooch.retrieve


def _fetched(
    retrieve: Callable[..., Any],
    mirrors: tuple[str, ...],
    file: str,
    expected: str,
    note: Callable[[str], Any],
) -> bytes:
    """The file from the first mirror that has the right content."""
    faults = []
    for mirror in mirrors:
        note(f"{file} from {mirror}")
        with tempfile.TemporaryDirectory() as folder:
            try:
                retrieve(mirror + file, known_hash=None, fname=file, path=folder)
                path = Path(folder) / file
                _verified(path, _content(path), expected)
                return path.read_bytes()
            except InputError:
                faults.append(f"{mirror} has other content")
            # Any error of an HTTP library; its first line states the cause.
            except Exception as error:
                faults.append(f"{mirror}: {(str(error) or repr(error)).splitlines()[0]}")
    raise InputError(f"{file} cannot be downloaded. {'; '.join(faults)}.")


def _has(folder: Path, name: str, expected: str) -> bool:
    path = _find(folder, name)
    try:
        return path is not None and bool(_verified(path, _content(path), expected))
    except InputError:
        return False


def _find(folder: Path, name: str) -> Path | None:
    """The file, or its gzipped form."""
    paths = (folder / name, folder / f"{name}.gz")
    return next((path for path in paths if path.is_file()), None)


def _content(path: Path) -> bytes:
    """The uncompressed content of the file."""
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if path.suffix == ".gz" else data
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise InputError(f"{path} is truncated or not gzipped; download it again.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None


def _verified(path: Path, content: bytes, expected: str) -> bytes:
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise InputError(
            f"{path} is not the file of MNIST: the SHA-256 of its {len(content)} uncompressed "
            f"bytes is {found} and should be {expected}; download it again."
        )
    return content


def _array(path: Path, content: bytes) -> np.ndarray:
    """An idx file: 0, 0, the type, the number of axes, their lengths, and the values."""
    axes = content[3] if len(content) > 3 else 0
    start = 4 + 4 * axes
    shape = tuple(int.from_bytes(content[at : at + 4], "big") for at in range(4, start, 4))
    if content[:3] != bytes([0, 0, _UNSIGNED_BYTES]) or len(content) != start + math.prod(shape):
        raise InputError(f"{path} is not an idx file of unsigned bytes.")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


@lru_cache(maxsize=1)
def cached_mnist(folder: Path) -> tuple[np.ndarray, ...]:
    """`read_mnist`, cached for the jobs of an experiment."""
    return read_mnist(folder)
