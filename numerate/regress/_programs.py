"""Programs that a search compiles are kept in the user's cache: a machine compiles them once.

JAX has such a cache, but only for the whole process. Its options are set while a search trains
stacks, and put back when the last search that does so ends, also if that leaves a training behind.
A cache that the user has set up is used instead.
"""

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from numerate._output import user_cache

_FOLDER = "jax_compilation_cache_dir"
_LEAST = "jax_persistent_cache_min_compile_time_secs"
VARIABLE = "NUMERATE_COMPILATION_CACHE"  # another folder, or "off"
_MOST_BYTES = 256 * 2**20  # what is older is removed
_SHORTEST = 0.1  # seconds of a compilation that is kept
_lock = threading.Lock()
_searches = 0
_inside: set[object] = set()  # what is compiled for these searches
_before: dict = {}


def cache_folder() -> Path | None:
    """The folder of compiled programs; None if they are not to be kept.

    !!! example
        >>> from unittest import mock
        >>> with mock.patch.dict(os.environ, NUMERATE_COMPILATION_CACHE="off"):
        ...     print(cache_folder())
        None
    """
    named = os.environ.get(VARIABLE)
    if named is not None:
        return None if named.lower() in ("", "0", "off") else Path(named)
    try:
        return user_cache("programs")
    except RuntimeError:  # a user without a home
        return None


@contextmanager
def searching() -> Iterator[None]:
    """A search. After the last one nothing is kept any more, whatever it left behind."""
    global _searches
    with _lock:
        _searches += 1
    try:
        yield
    finally:
        with _lock:
            _searches -= 1
            if not _searches and _inside:
                _inside.clear()
                _set(_before)


@contextmanager
def kept_programs() -> Iterator[None]:
    """What a search compiles inside is kept, and what was kept is not compiled."""
    global _before
    import jax

    this = object()
    with _lock:
        own = bool(_inside)
        if _searches and not own and jax.config.values[_FOLDER] is None:
            folder = cache_folder()
            if folder is not None and _is_usable(folder):
                own = True
                _before = {name: jax.config.values[name] for name in (_FOLDER, _LEAST)}
                _set({_FOLDER: str(folder), _LEAST: _SHORTEST})
        if own:
            _inside.add(this)
    try:
        yield
    finally:
        with _lock:
            if this in _inside:
                _inside.remove(this)
                if not _inside:
                    _set(_before)


def _set(options: dict) -> None:
    """Sets options of JAX, which opens the folder anew."""
    import jax
    from jax.experimental.compilation_cache import compilation_cache

    for name, value in options.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()


def _is_usable(folder: Path) -> bool:
    """Whether files can be written there. The folder is made, and old files are removed."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
            return False  # programs of other users are not run
        with tempfile.TemporaryFile(dir=folder):
            pass
        left = _MOST_BYTES
        files = [(f.stat(), f) for f in folder.iterdir() if f.is_file()]
        for state, file in sorted(files, key=lambda f: f[0].st_mtime, reverse=True):
            left -= state.st_size
            if left < 0:
                file.unlink(missing_ok=True)
    except OSError:
        return False
    return True
