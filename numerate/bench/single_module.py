"""Which unit learns which operation: one unit, two inputs, four operations, nine ranges.

    python -m numerate.bench.single_module [--out FILE] [--units NAU NMU] [--seeds N] [--steps N]

Every unit is trained by its paper's recipe, 25 seeds on every range of the single-module
benchmark (Mistry et al. 2022), for the operations that it can represent. A seed succeeds if at
its measurement of lowest validation error the extrapolation error is below that of a model
whose operands are off by 1e-5. Extrapolation data selects nothing.

A row is written as soon as its unit is done with an operation, and rows that the file has are
not run again, so that a run that was stopped goes on where it was.
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from rich.progress import track

from numerate import recipes, units
from numerate.recipes import Recipe
from numerate.tasks import PRIMER_RANGES, Arithmetic, Sweep
from numerate.train import Config, train_many

RESULTS = Path("results") / "single_module.json"
OPERATIONS = ("add", "sub", "mul", "div")
SUMS, PRODUCTS = ("add", "sub"), ("mul", "div")


@dataclass(frozen=True)
class Settings:
    """How much is run.

    **Fields:** `seeds` for each cell; `steps` instead of the recipe's, or None.
    """

    seeds: int = 25
    steps: int | None = None


def _defaults(unit: str) -> Callable[[str], Recipe]:
    """For units whose papers say little: our starting weights, Adam as for the others."""
    recipe = Recipe(getattr(units, unit), Config())
    return lambda operation: recipe


def _paper(recipe: Callable[..., Recipe], unit: str) -> Callable[[str], Recipe]:
    made = recipe(unit)
    return lambda operation: made


_SNMU = recipes.mistry2022snmu()

# What each unit can represent, and how it is trained.
ENTRIES: dict[str, tuple[tuple[str, ...], Callable[[str], Recipe]]] = {
    "Linear": (SUMS, _defaults("Linear")),
    "NAC": (SUMS, _defaults("NAC")),
    "NACMul": (PRODUCTS, _defaults("NACMul")),
    "NALU": (OPERATIONS, _defaults("NALU")),
    "GNALU": (OPERATIONS, _paper(recipes.mistry2022, "GNALU")),
    "SNALU": (OPERATIONS, _defaults("SNALU")),
    "iNALU": (OPERATIONS, _paper(recipes.mistry2022, "iNALU")),
    "NAU": (SUMS, _paper(recipes.mistry2022, "NAU")),
    "NMU": (("mul",), _paper(recipes.mistry2022, "NMU")),
    "sNMU": (("mul",), lambda operation: _SNMU),
    "NPU": (PRODUCTS, partial(recipes.mistry2022, "NPU")),
    "RealNPU": (PRODUCTS, partial(recipes.mistry2022, "RealNPU")),
    "RealNPUModified": (PRODUCTS, _paper(recipes.mistry2023, "RealNPUModified")),
    "NRU": (PRODUCTS, _paper(recipes.mistry2023, "NRU")),
    "NMRU": (PRODUCTS, _paper(recipes.mistry2023, "NMRU")),
    "SignNMRU": (PRODUCTS, _paper(recipes.mistry2023, "SignNMRU")),
    "MCFC": (("add",), _paper(recipes.mistry2022, "MCFC")),
    "MulMCFC": (("mul",), _paper(recipes.mistry2022, "MulMCFC")),
    "MulMCFCSignINALU": (("mul",), _paper(recipes.mistry2022, "MulMCFCSignINALU")),
    "MulMCFCSignRealNPU": (("mul",), _paper(recipes.mistry2022, "MulMCFCSignRealNPU")),
    "HillSpaceSum": (SUMS, _paper(recipes.dujardin2025, "HillSpaceSum")),
    "HillSpaceProduct": (PRODUCTS, _paper(recipes.dujardin2025, "HillSpaceProduct")),
    "NASU": (OPERATIONS, _paper(recipes.numerate2026, "NASU")),
}


def measure(unit: str, settings: Settings) -> Iterator[dict[str, Any]]:
    """A row for each operation of a unit; operations with one recipe are one program."""
    operations, recipe_of = ENTRIES[unit]
    together: dict[Recipe, list[str]] = {}
    for operation in operations:
        together.setdefault(recipe_of(operation), []).append(operation)
    for recipe, group in together.items():
        if settings.steps is not None:
            recipe = recipe.shortened(settings.steps)
        yield from _measure_group(unit, group, recipe, settings.seeds)


def _measure_group(unit: str, group: list[str], recipe: Recipe, seeds: int) -> Iterator[dict]:
    cells = tuple(Arithmetic(o, r) for o in group for r in PRIMER_RANGES)
    keys = jax.random.split(jax.random.key(0), seeds)
    begun = time.perf_counter()
    run = train_many(
        jnp.concatenate([keys] * len(cells)), Sweep(cells), recipe.model(2, 1), recipe.config
    )
    seconds = time.perf_counter() - begun
    solved = np.asarray(run.extrapolation < run.threshold).reshape(len(group), -1, seeds)
    at = np.asarray(run.solved_at).reshape(solved.shape)
    for operation, won, when in zip(group, solved, at, strict=True):
        yield {
            "unit": unit,
            "operation": operation,
            "seeds": seeds,
            "steps": recipe.config.steps,
            "solved": [int(n) for n in won.sum(axis=1)],
            "median solved at": [int(np.median(w[w > 0])) if (w > 0).any() else None for w in when],
            "seconds": round(seconds / len(group), 1),
        }


def run(names: list[str], settings: Settings, out: Path) -> dict[str, Any]:
    """Measure what the file does not have yet, and keep it up to date."""
    result = _load(out, settings)
    wanted = [name for name in names if not _is_complete(name, result["rows"])]
    for name in track(wanted, description="units"):
        result["rows"] = [row for row in result["rows"] if row["unit"] != name]
        result["rows"] += measure(name, settings)
        result["date"] = datetime.now(UTC).date().isoformat()
        _save(result, out)
    return result


def _load(out: Path, settings: Settings) -> dict[str, Any]:
    fresh = {
        "what": "seeds that extrapolate, of those trained, by the rule of the benchmark",
        "date": None,
        "machine": machine(),
        "ranges": [str(list(r)) for r in PRIMER_RANGES],
        "steps": settings.steps,
        "rows": [],
    }
    if not out.exists():
        return fresh
    found = json.loads(out.read_text(encoding="utf-8"))
    alike = found["steps"] == settings.steps
    rows = [row for row in found["rows"] if alike and row["seeds"] == settings.seeds]
    return fresh | {"date": found["date"], "rows": rows}


def _is_complete(unit: str, rows: list[dict]) -> bool:
    return {r["operation"] for r in rows if r["unit"] == unit} == set(ENTRIES[unit][0])


def _save(result: dict[str, Any], out: Path) -> None:
    """Written beside and renamed, so that a run which is stopped leaves a whole file."""
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_suffix(".part")
    temporary.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    temporary.replace(out)


def machine() -> str:
    """The processor and the number of cores."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FILE")
    parser.add_argument("--units", nargs="+", choices=list(ENTRIES), default=list(ENTRIES))
    parser.add_argument("--seeds", type=int, default=Settings.seeds)
    parser.add_argument("--steps", type=int, default=None)
    arguments = parser.parse_args()
    settings = Settings(arguments.seeds, arguments.steps)
    try:
        result = run(arguments.units, settings, arguments.out)
    except KeyboardInterrupt:
        print(f"stopped; what is done is in {arguments.out}, and the same command goes on")
        return
    for row in result["rows"]:
        cells = " ".join(f"{n:2d}" for n in row["solved"])
        print(f"{row['unit']:20s} {row['operation']}  {cells}  of {row['seeds']}")


if __name__ == "__main__":
    main()
