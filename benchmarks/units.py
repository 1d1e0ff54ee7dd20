"""Forward and backward passes of every unit, relative to the matrix products that it contains.

    python benchmarks/units.py [--json FILE] [--quick]

One step is the outputs of a batch, in training, and the gradients of their weighted sum by all
parameters and by the inputs, float32, x ~ U[0.9, 1.1] so that products neither overflow nor
vanish. Each unit is compared with its products alone: for every W x of its equation the forward
product and the two of its gradients, by W and by x. A unit without products is compared with one
product of its size. JAX runs `vmap` and `jit`, PyTorch runs `numerate.torch` as it is, and compiled
for those units that have a bar; for the NALU there is also a module as public codes write it.

A step and its products take turns, so that other processes affect both equally: `ratio` is the
median of their ratios, `of best` the ratio of their best times. A unit with batch x in x out
factors is measured on part of the large batch, which its row tells. `MiB` is the memory of a step
beyond its arguments: in JAX the compiler's figure for the whole batch, in PyTorch the peak
allocation for the batch of its row.
"""

import contextlib
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from unittest import mock

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from report import Report, parse_args

import numerate.units
from numerate.ops import namespace
from numerate.torch import to_torch

SIZES = [(2, 1, 128), (100, 2, 128), (1024, 1024, 4096)]
QUICK = [(2, 1, 128), (64, 64, 256)]
NAMES = [name for name in numerate.units.__all__ if name != "Unit"]

# How many W x an equation has, and how much longer than these it may take.
PATHS, BAR = {"NAC": 1, "NALU": 3}, 1.25
NOISY_BAR = 8  # for the sNMU in PyTorch as it is, of one product
LOOP_SECONDS = 0.02

Step = Callable[[], object]
Paths = list[tuple[int, int]]


class PublicNALU(torch.nn.Module):
    """A NALU as in public PyTorch implementations."""

    def __init__(self, in_features: int, out_features: int, eps: float = 1e-7):
        super().__init__()
        self.eps = eps
        shape = out_features, in_features
        self.w_hat, self.m_hat, self.g = (
            torch.nn.Parameter(torch.nn.init.xavier_uniform_(torch.empty(shape))) for _ in range(3)
        )

    def forward(self, x):
        w = torch.tanh(self.w_hat) * torch.sigmoid(self.m_hat)
        a = torch.nn.functional.linear(x, w)
        g = torch.sigmoid(torch.nn.functional.linear(x, self.g))
        m = torch.exp(torch.nn.functional.linear(torch.log(torch.abs(x) + self.eps), w))
        return g * a + (1 - g) * m


def numbers(*shape: int, low: float = 0.9, high: float = 1.1) -> np.ndarray:
    return np.random.default_rng(0).uniform(low, high, shape).astype(np.float32)


@dataclass(frozen=True)
class Case:
    """A unit of some size: its batch, and the parts of its equation."""

    name: str
    in_features: int
    out_features: int
    batch: int

    @cached_property
    def unit(self) -> numerate.units.Unit:
        make = getattr(numerate.units, self.name)
        return make(self.in_features, self.out_features, key=jax.random.key(0))

    @cached_property
    def traced(self) -> dict[str, Paths]:
        """The shapes of the weights of every W x, and of every product of factors."""
        names = "matvec", "affine_product", "affine_quotient", "product"
        found: dict[str, Paths] = {name: [] for name in names}
        primitives = namespace(jnp.ones(()))

        def counting(name):
            primitive = getattr(primitives, name)

            def counted(*arguments, **options):
                weight = next(a for a in arguments if getattr(a, "ndim", 0) == 2)
                found[name].append(weight.shape)
                return primitive(*arguments, **options)

            return mock.patch.object(primitives, name, counted)

        x, key = jax.ShapeDtypeStruct((self.in_features,), jnp.float32), jax.random.key(0)
        with contextlib.ExitStack() as stack:
            for name in names:
                stack.enter_context(counting(name))
            jax.eval_shape(lambda unit, x: unit(x, key=key), self.unit, x)
        return found

    @property
    def paths(self) -> Paths:
        return self.traced["matvec"] or [(self.out_features, self.in_features)]

    @property
    def part(self) -> int:
        """The number of examples of a large batch that suffices for timing."""
        size = self.in_features * self.out_features * self.batch
        affine = self.traced["affine_product"] + self.traced["affine_quotient"]
        factors = affine + self.traced["product"]
        if size < 2**24 or self.name in ("NMU", "sNMU") or self.traced["matvec"] and not factors:
            return self.batch
        return self.batch // (8 if affine else 32 if factors else 128)


def in_jax(case: Case, batch: int) -> tuple[Step, float]:
    trained, static = eqx.partition(case.unit, eqx.is_inexact_array)
    _, x, slope = map(jnp.asarray, _path(case.out_features, case.in_features, batch))
    keys = jax.random.split(jax.random.key(1), batch)

    def total(both):
        unit = eqx.combine(both[0], static)
        return jnp.sum(jax.vmap(lambda x, key: unit(x, key=key))(both[1], keys) * slope)

    def compiled(x):
        return jax.jit(jax.value_and_grad(total)).lower((trained, x)).compile()

    step = compiled(x)
    return lambda: jax.block_until_ready(step((trained, x))), _mebibytes(step)


def _mebibytes(step) -> float:
    analysis = step.memory_analysis()
    return (analysis.temp_size_in_bytes + analysis.output_size_in_bytes) / 2**20


def products_in_jax(paths: Paths, batch: int) -> Step:
    arguments = [tuple(map(jnp.asarray, _path(*shape, batch))) for shape in paths]

    @jax.jit
    def step(arguments):
        return [(x @ w.T, slope.T @ x, slope @ w) for w, x, slope in arguments]

    return lambda: jax.block_until_ready(step(arguments))


def _path(out_features: int, in_features: int, batch: int) -> tuple[np.ndarray, ...]:
    """A weight, inputs, and slopes by outputs."""
    slope = numbers(batch, out_features, low=-1.0, high=1.0)
    return numbers(out_features, in_features), numbers(batch, in_features), slope


def in_torch(module: Any, case: Case, batch: int) -> Step:
    _, x, slope = map(torch.tensor, _path(case.out_features, case.in_features, batch))
    wanted = [*module.parameters(), x.requires_grad_()]
    return lambda: torch.autograd.grad(module(x), wanted, slope, allow_unused=True)


def products_in_torch(paths: Paths, batch: int) -> Step:
    arguments = [tuple(map(torch.tensor, _path(*shape, batch))) for shape in paths]
    return lambda: [(x @ w.T, slope.T @ x, slope @ w) for w, x, slope in arguments]


def most_allocated(step: Step) -> float:
    """The peak MiB of PyTorch's tensors during a step, beyond those before it."""
    activities = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=activities, profile_memory=True) as profile:
        step()
    profiler: Any = profile.profiler
    results = profiler.kineto_results.events()
    events = sorted((e for e in results if e.name() == "[memory]"), key=lambda e: e.start_ns())
    now = most = 0
    for event in events:
        now += event.nbytes()
        most = max(most, now)
    return most / 2**20


@dataclass
class Contender:
    """One row: a unit in one library, and its products in that library."""

    case: Case
    library: str
    batch: int
    step: Step
    products: Step
    mebibytes: float
    times: list[tuple[float, float]] = field(default_factory=list)

    def time(self) -> None:
        self.times.append((_seconds(self.step), _seconds(self.products)))

    @property
    def ratio(self) -> float:
        return statistics.median(a / b for a, b in self.times)

    def row(self) -> dict:
        best, products = (min(column) for column in zip(*self.times, strict=True))
        return {
            "unit": self.case.name,
            "in": self.case.in_features,
            "out": self.case.out_features,
            "batch": self.batch,
            "library": self.library,
            "W x": len(self.case.traced["matvec"]),
            "ms": 1e3 * best,
            "products, ms": 1e3 * products,
            "ratio": self.ratio,
            "of best": best / products,
            "MiB": self.mebibytes,
        }


def _seconds(step: Step) -> float:
    """Seconds of one call, as the mean over enough calls to measure."""
    start = time.perf_counter()
    step()
    once = time.perf_counter() - start
    loops = min(math.ceil(LOOP_SECONDS / once), 200)
    if loops == 1:
        return once
    start = time.perf_counter()
    for _ in range(loops):
        step()
    return (time.perf_counter() - start) / loops


def contenders(case: Case, batch: int) -> list[Contender]:
    products = {"jax": products_in_jax(case.paths, batch)}
    products["torch"] = products_in_torch(case.paths, batch)
    step, mebibytes = in_jax(case, batch)
    step()
    if batch < case.batch:
        mebibytes = in_jax(case, case.batch)[1]
    rows = [Contender(case, "JAX", batch, step, products["jax"], mebibytes)]
    module = to_torch(case.unit)
    modules: dict[str, Any] = {"PyTorch": module}
    if case.name in PATHS:
        modules["PyTorch, compiled"] = torch.compile(module)
    if case.name == "NALU":
        public = PublicNALU(case.in_features, case.out_features)
        modules |= {"PyTorch, public code": public}
        modules |= {"PyTorch, public code, compiled": torch.compile(public)}
    for library, module in modules.items():
        step = in_torch(module, case, batch)
        if "compiled" in library:
            step()
        rows.append(Contender(case, library, batch, step, products["torch"], most_allocated(step)))
    return rows


def measured(case: Case, batch: int, repeats: int) -> list[Contender]:
    rows = contenders(case, batch)
    for row in rows:
        row.products()
    for _ in range(repeats):
        for row in rows:
            row.time()
    return rows


def main() -> None:
    args = parse_args(__doc__)
    report = Report("Forward and backward of every unit, beside its matrix products", seeds="0")
    large: list[Contender] = []
    sizes = QUICK if args.quick else SIZES
    for in_features, out_features, batch in sizes:
        is_large = (in_features, out_features, batch) == sizes[-1]
        for name in NAMES:
            case = Case(name, in_features, out_features, batch)
            assert name not in PATHS or len(case.paths) == PATHS[name]
            repeats = 2 if args.quick else 9 if not is_large else 15 if name in PATHS else 3
            rows = measured(case, case.part, repeats)
            large += rows if is_large else []
            for row in rows:
                report.add(row.row())
            jax.clear_caches()
            torch.compiler.reset()
    for sentence in verdicts(large):
        report.note(sentence)
    report.finish(args)


def verdicts(rows: list[Contender]) -> list[str]:
    """One sentence for every bar."""
    bars = [(row, BAR) for row in rows if row.case.name in PATHS and "public" not in row.library]
    bars += [(r, NOISY_BAR) for r in rows if (r.case.name, r.library) == ("sNMU", "PyTorch")]
    return [
        f"Bar of {row.case.name} in {row.library}: {bar} times its products, found "
        f"{row.ratio:.2f}: {'met' if row.ratio <= bar else 'NOT met'}."
        for row, bar in bars
    ]


if __name__ == "__main__":
    main()
