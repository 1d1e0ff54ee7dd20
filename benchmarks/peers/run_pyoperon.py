"""PyOperon: arithmetic operators only, constants fitted by Levenberg-Marquardt in every generation,
and the formula of least description length on the front of error and length."""

import math

from pyoperon.sklearn import SymbolicRegressor  # pyright: ignore[reportMissingImports]
from serve import Table, serve


def answer(table: Table) -> str:
    model = SymbolicRegressor(
        allowed_symbols="add,sub,mul,div,sqrt,square,constant,variable",
        optimizer_iterations=5,
        objectives=["r2", "length"],
        max_evaluations=1_000_000_000,  # the time is the limit
        generations=1_000_000,
        max_time=math.ceil(table.clock_seconds),
        n_threads=1,
        random_state=table.seed,
    )
    model.fit(table.x, table.y)
    return model.get_model_string(model.model_, precision=17, names=table.names)


if __name__ == "__main__":
    serve(answer)
