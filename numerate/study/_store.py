"""The results in a folder: one Parquet file, from which an interrupted run resumes.

After every job a new file is written beside the old one and renamed over it. A killed run leaves an
intact file of the finished jobs, and the same command continues after them.
"""

import dataclasses
import hashlib
import io
import json
import os
import platform
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from numerate._errors import InputError
from numerate._output import check_folder, finite, reason, remove_leftovers, write_file

from ._experiment import Job

RESULTS, SUMMARY, TABLE = "results.parquet", "summary.json", "table.md"
FIGURES = (".svg", ".png")
_REQUIRED = ("unit", "seed", "condition")
_OWN = ("job", "job_seconds")
# The number of seeds and the units of a run do not change the rows of a job.
_NOT_IN_KEYS = ("seeds", "units")


def job_key(job: Job, settings: Any) -> str:
    """The key of a job's rows: the job, and all settings except `seeds` and `units`.

    !!! example
        >>> @dataclasses.dataclass(frozen=True)
        ... class Settings:
        ...     seeds: int = 2
        ...     steps: int = 100
        >>> job, one, two, other = Job("NAC", range(2)), Settings(), Settings(4), Settings(2, 200)
        >>> job_key(job, one) == job_key(job, two), job_key(job, one) == job_key(job, other)
        (True, False)
    """
    described = {"unit": job.unit, "first": job.seeds.start, "stop": job.seeds.stop}
    described |= {name: plain(value) for name, value in job.variant.items()}
    named = {name: value for name, value in plain(settings).items() if name not in _NOT_IN_KEYS}
    text = json.dumps([described, named], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def plain(value: Any) -> Any:
    """Settings, or a value of a job, as JSON values.

    **Raises:** `TypeError` for anything but numbers, texts and tuples of them.

    !!! example
        >>> plain((1, "a", (0.5, None)))
        [1, 'a', [0.5, None]]
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [plain(entry) for entry in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"jobs and settings hold numbers, texts and tuples of them, not {value!r}")


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Locks a folder for one run, and creates it if necessary.

    Two runs in one folder would overwrite each other's jobs. The operating system releases the lock
    when the process ends, however it ends.

    **Raises:** `InputError` if another run uses it, or it cannot be created.
    """
    check_folder(folder, ())
    try:
        import fcntl
    except ImportError:  # Windows cannot lock folders.
        yield
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise InputError(f"{folder} cannot be read: {reason(error)}.") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove_leftovers(folder)
        except BlockingIOError:
            raise InputError(
                f"another run is writing into {folder}; wait for its end, or choose another --out."
            ) from None
        except OSError:  # A file system without locks.
            pass
        yield
    finally:
        os.close(descriptor)


class Store:
    """The results in a folder.

    **Arguments:** `folder`, created if it does not exist; `keys`, those of all jobs of the
    run's settings, in their order.

    **Raises:** `InputError` if the folder cannot be written, or holds results of other settings,
    which are neither mixed with these nor deleted.
    """

    def __init__(self, folder: Path, keys: Iterable[str]):
        self.folder = folder
        self.keys = list(keys)
        # What figures are drawn is known only after the jobs.
        old = sorted(path.name for path in folder.glob("*") if path.suffix in FIGURES)
        check_folder(folder, (RESULTS, SUMMARY, TABLE, *old))
        self.rows = self._read()

    def _read(self) -> pl.DataFrame | None:
        path = self.folder / RESULTS
        if not path.exists():
            return None
        if not path.is_file():  # At a pipe, reading waits without end.
            raise InputError(f"{path} is no file; move it away.")
        try:
            rows = pl.read_parquet(path)
        except OSError as error:
            raise InputError(f"{path} cannot be read: {reason(error)}.") from None
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
            raise InputError(f"{path} is not a file of results; move it away.") from None
        if not _are_results(rows):
            raise InputError(f"{path} is not a file of results; move it away.")
        if set(rows["job"]) - set(self.keys):
            raise InputError(
                f"{self.folder} holds results of other settings or seeds; choose another --out, "
                "or move it away."
            )
        return rows

    @property
    def done(self) -> set[str]:
        """The keys of the jobs that need not run again."""
        return set() if self.rows is None else set(self.rows["job"])

    @property
    def seconds(self) -> float:
        """The total time of all finished jobs, including those of earlier runs."""
        if self.rows is None:
            return 0.0
        return float(self.rows.unique("job")["job_seconds"].sum())

    def add(self, key: str, rows: list[dict[str, Any]], seconds: float) -> None:
        """Keep the rows of a finished job."""
        _check(rows)
        new = pl.DataFrame(rows, infer_schema_length=None).with_columns(
            job=pl.lit(key), job_seconds=pl.lit(round(seconds, 2))
        )
        parts = [new] if self.rows is None else [self.rows, new]
        joined = pl.concat(parts, how="diagonal_relaxed")
        # In the order of the jobs, so that an interrupted run ends with the same file.
        position = {key: i for i, key in enumerate(self.keys)}
        order = joined["job"].replace_strict(position, return_dtype=pl.Int64)
        self.rows = joined[order.arg_sort().to_list()] if not order.is_sorted() else joined
        content = io.BytesIO()
        self.rows.write_parquet(content, compression="zstd", compression_level=19)
        write_file(self.folder / RESULTS, content.getvalue())

    def write_summary(self, summary: dict[str, Any]) -> None:
        """Write `summary.json`, with null for what JSON cannot hold."""
        text = json.dumps(finite(summary), indent=1, ensure_ascii=False, allow_nan=False)
        self.write(SUMMARY, text + "\n")

    def write(self, name: str, text: str) -> None:
        """Write a text file, completely or not at all."""
        write_file(self.folder / name, text.encode())


def machine() -> str:
    """The processor and the number of cores, and the accelerators that JAX uses."""
    import jax

    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor() or platform.machine()
    kinds = sorted({d.device_kind for d in jax.devices() if d.platform != "cpu"})
    return ", ".join([name, f"{os.cpu_count()} cores", *kinds])


def _are_results(rows: pl.DataFrame) -> bool:
    kinds = rows.schema
    return (
        all(name in kinds for name in (*_REQUIRED, *_OWN))
        and kinds["job"] == pl.String
        and kinds["job_seconds"].is_numeric()
    )


def _check(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        missing = [name for name in _REQUIRED if name not in row]
        if missing or set(row) & set(_OWN):
            raise ValueError(
                f"a row must have {', '.join(_REQUIRED)} and not {', '.join(_OWN)}, got {row}"
            )
