"""gplearn: arithmetic functions, a population of 2,000, one generation after the other until the
time is used or the error is that of rounding."""

import time
from collections.abc import Iterator

import numpy as np
from gplearn.genetic import SymbolicRegressor  # pyright: ignore[reportMissingImports]
from serve import Table, serve


def answer(table: Table) -> str:
    started, generations, exact = time.process_time(), 0, 1e-9 * float(np.std(table.y))
    model = SymbolicRegressor(
        population_size=2000,
        function_set=("add", "sub", "mul", "div", "sqrt"),
        const_range=(-5.0, 5.0),
        metric="rmse",
        stopping_criteria=exact,
        feature_names=table.names,
        warm_start=True,
        low_memory=True,
        random_state=table.seed,
    )
    while time.process_time() - started < table.seconds:
        generations += 1
        model.set_params(generations=generations)
        model.fit(table.x, table.y)
        if model.run_details_["best_fitness"][-1] <= exact:
            break
    return written(iter(model._program.program), table.names)


def written(nodes: Iterator, names: list[str]) -> str:
    """The next formula of a program in prefix order, with all digits of its constants."""
    node = next(nodes)
    if isinstance(node, int | np.integer):
        return names[node]
    if isinstance(node, float):
        return repr(float(node))
    # Its square root is that of the magnitude.
    name = "protected_sqrt" if node.name == "sqrt" else node.name
    return f"{name}({', '.join(written(nodes, names) for _ in range(node.arity))})"


if __name__ == "__main__":
    serve(answer)
