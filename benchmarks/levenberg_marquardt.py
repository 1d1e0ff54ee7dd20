"""Levenberg-Marquardt over a population of small stacks, compared with SciPy one start at a time.

Four targets on 300 rows of x ~ U(1, 2), each fitted by one kind of stack from 64 random
starts in float64. Solved means: relative residual (root mean square over the target's standard
deviation) below 1e-10. SciPy's `least_squares(method="lm")` (MINPACK) gets the same residual,
starts, iterations and a compiled Jacobian.

    python benchmarks/levenberg_marquardt.py [--quick] [--json FILE]
"""

from collections.abc import Callable
from functools import partial
from time import perf_counter

import jax
import numpy as np
from report import Report, parse_args
from scipy.optimize import least_squares

from numerate.regress import Architecture, stack
from numerate.train import levenberg_marquardt

ROWS, STARTS, STEPS, SOLVED = 300, 64, 300, 1e-10
TARGETS: dict[str, tuple[Callable, int, str]] = {
    "a*b+c*d": (lambda a, b, c, d: a * b + c * d, 4, "PS"),
    "a/b+c": (lambda a, b, c: a / b + c, 3, "PS"),
    "(a+b)*c": (lambda a, b, c: (a + b) * c, 3, "SP"),
    "sqrt(a^2+b^2)": (lambda a, b: np.sqrt(a**2 + b**2), 2, "PSP"),
}


def problem(function: Callable, width: int, architecture: Architecture, seed: int):
    """(starts, shared, each), the arguments of `levenberg_marquardt`."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(1, 2, (ROWS, width))
    y = function(*x.T)
    starts, odd, free = architecture.starts(STARTS, np.zeros(width, bool), rng)
    return starts, (x, y / np.std(y), np.ones(ROWS)), (odd, free)


def timed(run: Callable) -> tuple[np.ndarray, float]:
    """Relative residuals of every start, and seconds."""
    started = perf_counter()
    losses = run()
    return np.sqrt(losses), perf_counter() - started


def by_scipy(residual: Callable, starts, shared, each) -> tuple[np.ndarray, float]:
    """The same work one start after another, in MINPACK: losses and seconds."""
    with jax.enable_x64(True):
        value = jax.jit(residual)
        slope = jax.jit(jax.jacfwd(residual))
        value(starts[0], *shared, *(e[0] for e in each))
        slope(starts[0], *shared, *(e[0] for e in each))
        started, losses = perf_counter(), []
        for i, start in enumerate(starts):
            rest = (*shared, *(e[i] for e in each))
            try:
                fitted = least_squares(
                    lambda p, rest=rest: np.asarray(value(p, *rest)),
                    start,
                    jac=lambda p, rest=rest: np.asarray(slope(p, *rest)),  # pyright: ignore[reportArgumentType]
                    method="lm",
                    xtol=1e-15,
                    ftol=1e-15,
                    gtol=1e-15,
                    max_nfev=STEPS,
                )
                losses.append(np.mean(fitted.fun**2))
            except ValueError:  # it refuses a start whose residuals are not finite
                losses.append(np.inf)
        return np.array(losses), perf_counter() - started


def one_seed(function: Callable, width: int, architecture: Architecture, seed: int) -> dict:
    """Residuals and seconds of ours and of SciPy on one table."""
    starts, shared, each = problem(function, width, architecture, seed)
    ours = partial(levenberg_marquardt, architecture.residual, starts, shared=shared, each=each)
    compiling = timed(lambda: ours(steps=1).loss)[1]
    errors, seconds = timed(lambda: ours(steps=STEPS).loss)
    losses, scipy_seconds = by_scipy(architecture.residual, starts, shared, each)
    return {
        "errors": errors,
        "s": seconds,
        "compile s": compiling,
        "SciPy errors": np.sqrt(losses),
        "SciPy s": scipy_seconds,
    }


def measure(report: Report, seeds: range) -> None:
    for name, (function, width, kinds) in TARGETS.items():
        runs = [one_seed(function, width, stack(kinds, width), seed) for seed in seeds]

        def middle(of: Callable, runs=runs) -> float:
            return float(np.median([of(run) for run in runs]))

        report.add(
            {
                "target": name,
                "stack": kinds,
                "seeds solved": sum(bool(run["errors"].min() < SOLVED) for run in runs),
                "of": len(runs),
                "starts solved": middle(lambda run: np.sum(run["errors"] < SOLVED)),
                "best residual": middle(lambda run: run["errors"].min()),
                "s": middle(lambda run: run["s"]),
                "compile s": max(run["compile s"] for run in runs),
                "SciPy starts": middle(lambda run: np.sum(run["SciPy errors"] < SOLVED)),
                "SciPy s": middle(lambda run: run["SciPy s"]),
                "faster": middle(lambda run: run["SciPy s"] / run["s"]),
            }
        )


def main() -> None:
    args = parse_args(__doc__)
    seeds = range(1 if args.quick else 5)
    report = Report("64 starts of a stack, 300 rows", seeds=f"0..{len(seeds) - 1}")
    measure(report, seeds)
    report.finish(args)


if __name__ == "__main__":
    main()
