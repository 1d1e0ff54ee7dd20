"""PyOperon as a separate process: it reads tables as lines of JSON and writes formulas.

`measured.py` starts this file with the Python of the environment in which PyOperon is installed.
Setting: arithmetic operators only, constants fitted by Levenberg-Marquardt in every generation, and
the formula of least description length on the front of error and length.
"""

import json
import sys
import time

import numpy as np

SYMBOLS = "add,sub,mul,div,sqrt,square,constant,variable"


def main() -> None:
    from pyoperon.sklearn import SymbolicRegressor  # pyright: ignore[reportMissingImports]

    for line in sys.stdin:
        table = json.loads(line)
        x, y = np.array(table["features"]), np.array(table["target"])
        started = time.perf_counter()
        model = SymbolicRegressor(
            allowed_symbols=SYMBOLS,
            optimizer_iterations=5,
            objectives=["r2", "length"],
            n_threads=2,
            max_time=table["budget"],
            random_state=table["seed"],
        )
        model.fit(x, y)
        seconds = time.perf_counter() - started
        text = model.get_model_string(model.model_, precision=17, names=table["names"])
        print(json.dumps({"formula": text.replace("^", "**"), "seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
