"""GP_ELITE with its defaults, and a time limit."""

import random

from gp_elite import symbolic_regression  # pyright: ignore[reportMissingImports]
from serve import Table, serve


def answer(table: Table) -> str:
    random.seed(table.seed)
    found = symbolic_regression(
        table.x,
        table.y,
        feature_names=table.names,
        seed=table.seed,
        time_limit=table.clock_seconds,
        parallel=False,
    )
    return found.sympy()


if __name__ == "__main__":
    serve(answer)
