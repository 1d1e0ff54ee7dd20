"""Levenberg-Marquardt over a population of small stacks, beside SciPy one start at a time.

Four targets on 300 rows of x ~ U(1, 2), each fitted by one kind of stack from 64 random
starts in float64. Solved means: relative residual (root mean square over the target's standard
deviation) below 1e-10. SciPy's `least_squares(method="lm")` (MINPACK) gets the same residual,
starts, iterations and a compiled Jacobian.

    python benchmarks/levenberg.py [--quick] [--json FILE]
"""

from collections.abc import Callable
from time import perf_counter

import jax
import numpy as np
from _report import Report, parse_args
from scipy.optimize import least_squares

from numerate.regress._stacks import Stack, stack
from numerate.train import levenberg

ROWS, STARTS, STEPS, SOLVED = 300, 64, 300, 1e-10
TARGETS: dict[str, tuple[Callable, int, str]] = {
    "a*b+c*d": (lambda a, b, c, d: a * b + c * d, 4, "PS"),
    "a/b+c": (lambda a, b, c: a / b + c, 3, "PS"),
    "(a+b)*c": (lambda a, b, c: (a + b) * c, 3, "SP"),
    "sqrt(a^2+b^2)": (lambda a, b: np.sqrt(a**2 + b**2), 2, "PSP"),
}


def problem(function: Callable, width: int, architecture: Stack, seed: int):
    """(starts, shared, each) as `levenberg` takes them."""
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


def by_scipy(residual: Callable, starts, shared, each) -> np.ndarray:
    """The same work one start after another, in MINPACK."""
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
                    jac=lambda p, rest=rest: np.asarray(slope(p, *rest)),
                    method="lm",
                    xtol=1e-15,
                    ftol=1e-15,
                    gtol=1e-15,
                    max_nfev=STEPS,
                )
                losses.append(np.mean(fitted.fun**2))
            except ValueError:  # it refuses a start whose residuals are not finite
                losses.append(np.inf)
        by_scipy.seconds = perf_counter() - started
    return np.array(losses)


def measure(report: Report, seeds: range) -> None:
    for name, (function, width, kinds) in TARGETS.items():
        architecture = stack(kinds, width)
        residual = architecture.residual
        rows = []
        for seed in seeds:
            starts, shared, each = problem(function, width, architecture, seed)
            tables = {"shared": shared, "each": each}
            started = perf_counter()
            levenberg(residual, starts, **tables, steps=1)
            compiling = perf_counter() - started
            errors, seconds = timed(
                lambda tables=tables, starts=starts: (
                    levenberg(residual, starts, **tables, steps=STEPS).loss
                )
            )
            others = np.sqrt(by_scipy(residual, starts, shared, each))
            rows.append((errors, seconds, others, by_scipy.seconds, compiling))
        report.add(
            {
                "target": name,
                "stack": kinds,
                "seeds solved": sum(bool(np.min(r[0]) < SOLVED) for r in rows),
                "of": len(rows),
                "starts solved": int(np.median([np.sum(r[0] < SOLVED) for r in rows])),
                "best residual": float(np.median([np.min(r[0]) for r in rows])),
                "s": float(np.median([r[1] for r in rows])),
                "compile s": float(max(r[4] for r in rows)),
                "SciPy starts": int(np.median([np.sum(r[2] < SOLVED) for r in rows])),
                "SciPy s": float(np.median([r[3] for r in rows])),
                "faster": float(np.median([r[3] / r[1] for r in rows])),
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
