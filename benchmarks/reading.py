"""How long a wide table of numbers takes to read, beside Polars alone.

100 rows, and 5,000 and 20,000 columns, of numbers with three decimals or with all digits of a
double. `read_table` also decides which columns hold numbers and counts the digits in which they are
written; Polars reads the cells as it does by default. Both take turns; the first round is not
counted. The bar is one second for 20,000 columns.

    python benchmarks/reading.py [--quick] [--json FILE]
"""

import tempfile
from collections.abc import Callable
from itertools import product
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import numpy as np
import polars as pl
from report import Report, parse_args

from numerate.tables import read_table

ROWS = 100
BAR = 1.0  # seconds for the most columns
COLUMNS = (5_000, 20_000)
DECIMALS = {"three decimals": 3, "all digits": None}
# How Polars writes and reads each format.
FORMATS: dict[str, tuple[Callable, Callable]] = {
    "csv": (pl.DataFrame.write_csv, pl.read_csv),
    "tsv": (
        lambda frame, file: frame.write_csv(file, separator="\t"),
        lambda file: pl.read_csv(file, separator="\t"),
    ),
    "ndjson": (pl.DataFrame.write_ndjson, pl.read_ndjson),
    "parquet": (pl.DataFrame.write_parquet, pl.read_parquet),
}


def seconds(read: Callable, file: Path) -> tuple[float, float]:
    """Wall time and processor time of this process."""
    wall, cpu = perf_counter(), process_time()
    read(file)
    return perf_counter() - wall, process_time() - cpu


def main() -> None:
    args = parse_args(__doc__)
    rounds = 1 if args.quick else 5
    report = Report(f"Seconds to read {ROWS} rows, {rounds} rounds", seeds="0")
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        for columns, (digits, decimals) in product(COLUMNS, DECIMALS.items()):
            values = rng.uniform(0, 9, (ROWS, columns))
            values = values if decimals is None else np.round(values, decimals)
            frame = pl.DataFrame({f"c{i}": column for i, column in enumerate(values.T)})
            for name, (write, polars) in FORMATS.items():
                file = Path(folder) / f"{columns}.{name}"
                write(frame, file)
                turns = [
                    (seconds(read_table, file), seconds(polars, file)) for _ in range(rounds + 1)
                ]
                ours, alone = zip(*turns[1:], strict=True)
                wall, cpu = (median(t[i] for t in ours) for i in range(2))
                report.add(
                    {
                        "format": name,
                        "numbers": digits,
                        "columns": columns,
                        "median s": wall,
                        "median processor s": cpu,
                        "Polars s": median(t[0] for t in alone),
                    }
                )
                if columns == COLUMNS[-1]:
                    verdict = "met" if wall <= BAR else "not met"
                    report.note(
                        f"{name}, {digits}: {wall:.2f} s for {columns:,} columns; "
                        f"the bar is {BAR:g} s: {verdict}."
                    )
    report.finish(args)


if __name__ == "__main__":
    main()
