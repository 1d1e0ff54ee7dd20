"""Model-steps per second of the engine and of other implementations.

    python benchmarks/engine.py [--json FILE] [--quick]

The work: NALU 2 -> 1 learns a*b, x ~ U[1, 2], batch 128, Adam, a fresh batch at every step,
float32. A model-step is one optimiser step of one seed. Compared are a plain Equinox and Optax loop
of one seed; eager PyTorch with an axis of seeds (the extra `torch`); `train_many` at 25, 225 and
900 seeds; and as the physical limit `engine_limit.c`, compiled if there is a compiler. All use as
many cores as they can and take turns; the best repeat counts.

Ours also measures the errors on two sets of 10,000 rows every 1000 steps; the others do not.
"""

import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from report import Report, parse_args

from numerate.tasks import Arithmetic
from numerate.train import Config, train_many
from numerate.units import NALU

BATCH, RATE, EPS = 128, 1e-3, 1e-7
BARS = {25: 250_000, 900: 1_000_000}
BAR_OF_LIMIT = 0.4
LOOP, OURS, LIMIT = "Equinox + Optax loop", "numerate train_many", "C loop, SIMD and OpenMP"
TASK, MODEL = Arithmetic("mul", (1.0, 2.0)), partial(NALU, 2, 1)
OPTIMISER = optax.adam(RATE)

# Does `steps` steps of `seeds` seeds; what it returns is not used.
Work = Callable[[int, int], object]


def equinox_loop(seeds: int, steps: int) -> None:
    """A simple loop with Equinox and Optax: a compiled step in a Python loop."""
    assert seeds == 1
    model = MODEL(key=jax.random.key(0))
    state = OPTIMISER.init(eqx.filter(model, eqx.is_inexact_array))
    for step in range(steps):
        model, state = _equinox_step(model, state, jax.random.key(step))
    jax.block_until_ready(model)


@eqx.filter_jit
def _equinox_step(model, state, key):
    x = jax.random.uniform(key, (BATCH, 2), minval=1.0, maxval=2.0)
    y = x[:, :1] * x[:, 1:]
    gradient = eqx.filter_grad(lambda m: jnp.mean((jax.vmap(m)(x) - y) ** 2))(model)
    updates, state = OPTIMISER.update(gradient, state)
    return eqx.apply_updates(model, updates), state


def torch_seed_axis(seeds: int, steps: int) -> None:
    """Eager PyTorch, all seeds in one tensor, written elementwise as for our units."""
    import torch  # pyright: ignore[reportMissingImports]

    w_hat, m_hat, gate = (torch.rand(2, seeds, 1).sub(0.5).requires_grad_() for _ in range(3))
    optimiser = torch.optim.Adam([w_hat, m_hat, gate], lr=RATE)
    for _ in range(steps):
        x = torch.rand(2, seeds, BATCH) + 1
        w, log_x = torch.tanh(w_hat) * torch.sigmoid(m_hat), torch.log(x.abs() + EPS)
        a = w[0] * x[0] + w[1] * x[1]
        m = torch.exp(w[0] * log_x[0] + w[1] * log_x[1])
        g = torch.sigmoid(gate[0] * x[0] + gate[1] * x[1])
        error = g * a + (1 - g) * m - x[0] * x[1]
        optimiser.zero_grad()
        (error**2).mean(dim=1).sum().backward()
        optimiser.step()


def ours(seeds: int, steps: int) -> None:
    keys = jax.random.split(jax.random.key(0), seeds)
    train_many(keys, TASK, MODEL, Config(steps=steps, optimiser=OPTIMISER), progress=False)


def c_limit(program: Path, seeds: int, steps: int) -> None:
    subprocess.run([program, str(seeds), str(steps)], check=True, capture_output=True)


def compile_c(folder: str) -> Path | None:
    """The C loop, compiled for this machine; None if that is not possible."""
    source, program = Path(__file__).with_name("engine_limit.c"), Path(folder) / "engine_limit"
    flags = ["-O3", "-march=native", "-ffast-math", "-fopenmp"]
    for compiler in filter(shutil.which, ("gcc", "cc", "clang")):
        command = [compiler, *flags, str(source), "-o", str(program), "-lm"]
        if subprocess.run(command, capture_output=True).returncode == 0:
            return program
    return None


@dataclass
class Contender:
    """One row: `steps` is long enough to time and short enough to wait for."""

    name: str
    work: Work
    seeds: int
    steps: int
    times: list[float] = field(default_factory=list)

    def time(self) -> None:
        start = time.perf_counter()
        self.work(self.seeds, self.steps)
        self.times.append(time.perf_counter() - start)

    @property
    def rate(self) -> float:
        return self.seeds * self.steps / min(self.times)


def contenders(program: Path | None) -> tuple[list[Contender], list[str]]:
    """The rows, and a sentence for each that is missing."""
    rows, missing = [Contender(LOOP, equinox_loop, 1, 2000)], []
    if find_spec("torch") is None:
        missing.append("PyTorch is not installed: pip install 'numerate[torch]' adds its rows.")
    else:
        rows.append(Contender("PyTorch eager, seed axis", torch_seed_axis, 225, 800))
        rows.append(Contender("PyTorch eager, seed axis", torch_seed_axis, 900, 400))
    rows.append(Contender(OURS, ours, 25, 40_000))
    rows.append(Contender(OURS, ours, 225, 8000))
    rows.append(Contender(OURS, ours, 900, 4000))
    if program is None:
        missing.append("No C compiler with OpenMP was found: the row of the limit is missing.")
    else:
        rows.append(Contender(LIMIT, partial(c_limit, program), 900, 4000))
    return rows, missing


def main() -> None:
    args = parse_args(__doc__)
    repeats = 2 if args.quick else 9
    report = Report("Model-steps per second: NALU 2 -> 1 on a*b, batch 128, Adam", seeds="0..899")
    compilation = Contender(OURS, ours, 25, 1000)
    compilation.time()
    with tempfile.TemporaryDirectory() as folder:
        rows, missing = contenders(compile_c(folder))
        for row in rows:
            row.work(row.seeds, 1000 if row.name == OURS else 10)
        # Taking turns, so that what else the machine does falls on all alike.
        for _ in range(repeats):
            for row in rows:
                row.time()
    rates = {(row.name, row.seeds): row.rate for row in rows}
    limit = rates.get((LIMIT, 900))
    for row in rows:
        report.add(
            {
                "what": row.name,
                "seeds": row.seeds,
                "model-steps/s": row.rate,
                "times the loop": row.rate / rates[LOOP, 1],
                "of the C loop": None if limit is None else row.rate / limit,
                "median/s": row.seeds * row.steps / statistics.median(row.times),
            }
        )
    report.note(f"Best (and median) of {repeats}, compilation not counted.")
    report.note(f"First call of train_many, with compilation: {compilation.times[0]:.1f} s.")
    for sentence in missing + verdicts(rates):
        report.note(sentence)
    report.finish(args)


def verdicts(rates: dict[tuple[str, int], float]) -> list[str]:
    """One sentence for every bar."""
    bars = [(f"{n} seeds", rates[OURS, n], float(bar), 0) for n, bar in BARS.items()]
    if (LIMIT, 900) in rates:
        share = rates[OURS, 900] / rates[LIMIT, 900]
        bars.append(("900 seeds, share of the C loop", share, BAR_OF_LIMIT, 2))
    return [
        f"Bar at {what}: {bar:,.{digits}f}, found {found:,.{digits}f}: "
        f"{'met' if found >= bar else 'NOT met'}."
        for what, found, bar, digits in bars
    ]


if __name__ == "__main__":
    main()
