"""Recipes: how each paper trained its units (initialiser, optimiser, penalties, schedule).

    recipe = recipes.madsen2020("NMU")
    run = train_many(keys, task, recipe.model(2, 1), recipe.config)

The defaults of a unit are those of its authors where one setting serves. A recipe holds the
rest: optimiser and schedule, and the variants of a unit that was trained in several ways.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import optax

from numerate import units
from numerate.initialisers import normal
from numerate.train import INALU_AUTHORS, INALU_BENCHMARK, Config


@dataclass(frozen=True)
class Recipe:
    """A unit and how it is trained.

    **Fields:**

    - `unit`: a function of `(in_features, out_features, *, key)` that makes the unit.
    - `config`: a `Config` for `train` and `train_many`; `dataclasses.replace` changes it.
    """

    unit: Callable[..., units.Unit]
    config: Config

    def model(self, in_features: int, out_features: int) -> Callable[..., units.Unit]:
        """The function of `key=` that `train` takes: the unit with its sizes.

        The same object for the same sizes, so that programs are compiled once.
        """
        return _sized(self.unit, in_features, out_features)

    def shortened(self, steps: int) -> "Recipe":
        """The recipe with another number of steps; schedules of units shrink with it."""
        return replace(self, config=replace(self.config, steps=steps))


@cache
def _sized(unit: Callable[..., units.Unit], in_features: int, out_features: int) -> Any:
    return partial(unit, in_features, out_features)


def madsen2020(unit: str) -> Recipe:
    """Madsen & Johansen (2020): two layers on 100 inputs, 5,000,000 steps of Adam, batch 128.

    **Arguments:** `unit`: `"NAC"`, `"NACMul"`, `"NALU"`, `"NALUUntied"`, `"Linear"`, `"NAU"` or
    `"NMU"`. The penalty of the NAU grows from 5,000 to 50,000 steps, that of the NMU from
    1,000,000 to 2,000,000.

    **Raises:** `ValueError` for another unit.

    !!! example
        >>> recipe = madsen2020("NMU")
        >>> recipe.config.steps, float(recipe.config.penalty_scale(1_500_000))
        (5000000, 5.0)

    arXiv:2001.05016, appendix; NACs start as in their code, see `initialisers.madsen`.
    """
    config = Config(steps=5_000_000, optimiser=_adam(1e-3))
    nac = {"w_hat_init": "madsen", "m_hat_init": "madsen"}
    return _one_of(
        unit,
        NAC=lambda: Recipe(partial(units.NAC, **nac), config),
        NACMul=lambda: Recipe(partial(units.NACMul, **nac, eps=1e-7), config),
        NALU=lambda: Recipe(partial(units.NALU, **nac, eps=1e-7), config),
        NALUUntied=lambda: Recipe(partial(units.NALUUntied, **nac, eps=1e-7), config),
        Linear=lambda: Recipe(units.Linear, config),
        NAU=lambda: Recipe(units.NAU, replace(config, penalty_scale=_ramp(0.01, 5e3, 5e4))),
        NMU=lambda: Recipe(units.NMU, replace(config, penalty_scale=_ramp(10.0, 1e6, 2e6))),
    )


def mistry2022(unit: str, operation: str = "mul") -> Recipe:
    """Mistry et al. (2022), the "Primer": one unit, two inputs, 50,000 steps, batch 128.

    **Arguments:**

    - `unit`: `"NAC"`, `"NACMul"`, `"NALU"`, `"GNALU"`, `"iNALU"`, `"NAU"`, `"NMU"`, `"NPU"`,
        `"RealNPU"`, `"MCFC"`, `"MulMCFC"`, `"MulMCFCSignINALU"` or `"MulMCFCSignRealNPU"`. The
        iNALU is their port: started at 0.88 and 0.5, every gradient clipped to ±0.1, Adam, and
        `train.INALU_BENCHMARK` for restarts. Their gate on its penalty reads the validation
        error, ours the batch's.
    - `operation`: `"div"` makes the L1 penalty of the NPUs a hundred times smaller.

    **Raises:** `ValueError` for another unit.

    !!! example
        >>> mistry2022("NAU").config.steps
        50000

    Journal of Machine Learning Research 23(185), and bmistry4/nalm-benchmark.
    """
    config = Config(optimiser=_adam(1e-3))
    nac = {"w_hat_init": "madsen", "m_hat_init": "madsen"}
    npu = replace(config, optimiser=_adam(5e-3))
    if operation == "div":
        npu = replace(npu, penalty_scale=_tenfold(1e-9, 1e-7, 10_000))
    port = {
        "w_hat_init": normal(0.88, 0.2),
        "m_hat_init": normal(0.5, 0.2),
        "gate_init": normal(0.0, 0.2),
    }
    clipped = Config(optimiser=_clipped_adam(0.1), penalty_below=1.0, restart=INALU_BENCHMARK)
    return _one_of(
        unit,
        NAC=lambda: Recipe(partial(units.NAC, **nac), config),
        NACMul=lambda: Recipe(partial(units.NACMul, **nac, eps=1e-7), config),
        NALU=lambda: Recipe(partial(units.NALU, **nac, eps=1e-7), config),
        GNALU=lambda: Recipe(units.GNALU, config),
        iNALU=lambda: Recipe(partial(units.iNALU, **port), clipped),
        NAU=lambda: Recipe(units.NAU, config),
        NMU=lambda: Recipe(units.NMU, config),
        NPU=lambda: Recipe(units.NPU, npu),
        RealNPU=lambda: Recipe(units.RealNPU, npu),
        MCFC=lambda: Recipe(units.MCFC, config),
        MulMCFC=lambda: Recipe(units.MulMCFC, config),
        MulMCFCSignINALU=lambda: Recipe(units.MulMCFCSignINALU, config),
        MulMCFCSignRealNPU=lambda: Recipe(units.MulMCFCSignRealNPU, config),
    )


def mistry2022snmu(noise: tuple[float, float] | None = (1.0, 5.0), **settings: Any) -> Recipe:
    """Mistry et al. (2022b): the stochastic NMU on two inputs, as the NMU is trained there.

    **Arguments:** `noise` and further `settings` of `sNMU`, such as `deviation`.

    !!! example
        >>> mistry2022snmu().unit(2, 1, key=jax.random.key(0)).noise
        (1.0, 5.0)

    arXiv:2211.05624.
    """
    return Recipe(partial(units.sNMU, noise=noise, **settings), Config(optimiser=_adam(1e-3)))


def mistry2023(unit: str) -> Recipe:
    """Mistry et al. (2023): division with one unit, two inputs, 50,000 steps, batch 128.

    **Arguments:** `unit`: `"RealNPUModified"` (Adam 5e-3), `"NRU"` (Adam 1e-3), `"NMRU"` or
    `"SignNMRU"` (both Adam 1e-2 with gradients clipped to norm 1).

    **Raises:** `ValueError` for another unit.

    !!! example
        >>> mistry2023("SignNMRU").config.batch_size
        128

    arXiv:2110.05177, and bmistry4/nalm-division.
    """
    norm = Config(optimiser=_norm_adam(1e-2, 1.0))
    return _one_of(
        unit,
        RealNPUModified=lambda: Recipe(units.RealNPUModified, Config(optimiser=_adam(5e-3))),
        NRU=lambda: Recipe(units.NRU, Config(optimiser=_adam(1e-3))),
        NMRU=lambda: Recipe(units.NMRU, norm),
        SignNMRU=lambda: Recipe(units.SignNMRU, norm),
    )


def heim2020(unit: str) -> Recipe:
    """Heim et al. (2020): Adam 5e-3, batch 100, an L1 penalty that grows tenfold every 10,000
    steps from 1e-5 to 1e-4, as the paper's search found; the last step is reached at 10,000.

    **Arguments:** `unit`: `"NPU"` or `"RealNPU"`.

    **Raises:** `ValueError` for another unit.

    !!! example
        >>> heim2020("NPU").config.batch_size
        100

    arXiv:2006.01681. Their text gives a learning rate of 1e-3, their code 5e-3.
    """
    scale = _tenfold(1e-5, 1e-4, 10_000)
    config = Config(batch_size=100, optimiser=_adam(5e-3), penalty_scale=scale)
    return _one_of(
        unit,
        NPU=lambda: Recipe(units.NPU, config),
        RealNPU=lambda: Recipe(units.RealNPU, config),
    )


def schloer2020(unit: str) -> Recipe:
    """Schlör et al. (2020): RMSProp 1e-2 on 100 epochs of 1,000 batches of 64.

    Of every ten batches eight train Ŵ and M̂ and two the gates. Gradients are clipped to ±0.1.
    From the tenth epoch on the penalty gets a step of its own after every batch whose loss is
    below 1, and `train.INALU_AUTHORS` starts seeds again. Their two extra optimisers, of weights
    and of gates, act on each parameter alone, so that one here does the same.

    **Arguments:** `unit`: `"iNALU"` or `"iNALUShared"`.

    **Raises:** `ValueError` for another unit.

    !!! example
        >>> schloer2020("iNALU").config.steps
        100000

    Frontiers in Artificial Intelligence 3:71, and daschloer/inalu.
    """
    config = Config(
        steps=100_000,
        batch_size=64,
        optimiser=_alternating(1e-2, 0.1),
        penalty_below=1.0,
        penalty_optimiser=_clipped_rmsprop(1e-2, 0.1),
        restart=INALU_AUTHORS,
    )
    return _one_of(
        unit,
        iNALU=lambda: Recipe(units.iNALU, config),
        iNALUShared=lambda: Recipe(units.iNALUShared, config),
    )


def rana2019(unit: str) -> Recipe:
    """Rana et al. (2019): Nadam at 1e-2, 1e-3 and 1e-4, 100 epochs of 64 batches of 1,024 each.

    **Arguments:** `unit`: `"GNAC"` or `"GNALU"`.

    **Raises:** `ValueError` for another unit.

    !!! example
        >>> rana2019("GNALU").config.batch_size
        1024

    ICTAI 2019, and ashishrana160796/calcnet-experiments. They draw 65,536 rows once; here, as
    everywhere in the engine, every batch is new.
    """
    config = Config(steps=19_200, log_every=640, batch_size=1024, optimiser=_nadam())
    return _one_of(
        unit,
        GNAC=lambda: Recipe(units.GNAC, config),
        GNALU=lambda: Recipe(units.GNALU, config),
    )


def dujardin2025(unit: str) -> Recipe:
    """DuJardin (2025), Hill Space: weights from zero at a learning rate of 0.1.

    **Arguments:** `unit`: `"HillSpaceSum"` or `"HillSpaceProduct"`.

    **Raises:** `ValueError` for another unit.

    !!! example
        >>> dujardin2025("HillSpaceSum").config.batch_size
        128

    justindujardin/hillspace uses a schedule-free AdamW, which evaluates averaged weights; here
    it is Adam whose rate falls to zero on a cosine over 50,000 steps.
    """
    config = Config(optimiser=_cosine_adam(0.1, 50_000))
    return _one_of(
        unit,
        HillSpaceSum=lambda: Recipe(units.HillSpaceSum, config),
        HillSpaceProduct=lambda: Recipe(units.HillSpaceProduct, config),
    )


def numerate2026(unit: str = "NASU") -> Recipe:
    """Ours, for `NASU`: 20,000 steps of Adam 1e-2 with gradients clipped to norm 1, batch 128.

    The choice of operation is made every 1,000 steps.

    **Raises:** `ValueError` for another unit.

    !!! example
        >>> numerate2026().config.steps
        20000
    """
    config = Config(steps=20_000, optimiser=_norm_adam(1e-2, 1.0))
    return _one_of(unit, NASU=lambda: Recipe(units.NASU, config))


def _one_of(unit: str, **known: Callable[[], Recipe]) -> Recipe:
    if unit not in known:
        raise ValueError(f"unit must be one of {', '.join(known)}, got {unit!r}")
    return known[unit]()


@cache
def _ramp(height: float, start: float, end: float) -> Callable[[Any], Any]:
    return optax.linear_schedule(0.0, height, int(end - start), int(start))


@cache
def _tenfold(first: float, last: float, every: int) -> Callable[[Any], Any]:
    """`first`, and ten times more at every so many steps until `last`."""

    def scale(step: Any) -> Any:
        return jnp.minimum(first * 10.0 ** (step // every), last)

    return scale


# Optimisers are made once, so that equal configurations share a compiled program.
@cache
def _adam(rate: float) -> optax.GradientTransformation:
    return optax.adam(rate)


@cache
def _clipped_adam(largest: float) -> optax.GradientTransformation:
    return optax.chain(optax.clip(largest), optax.adam(1e-3))


@cache
def _norm_adam(rate: float, norm: float) -> optax.GradientTransformation:
    return optax.chain(optax.clip_by_global_norm(norm), optax.adam(rate))


@cache
def _cosine_adam(rate: float, steps: int) -> optax.GradientTransformation:
    return optax.adam(optax.cosine_decay_schedule(rate, steps))


@cache
def _clipped_rmsprop(rate: float, largest: float) -> optax.GradientTransformation:
    # TensorFlow 1's defaults, which the authors left alone: decay 0.9, ε inside the root.
    rmsprop = optax.rmsprop(rate, decay=0.9, eps=1e-10, initial_scale=1.0)
    return optax.chain(optax.clip(largest), rmsprop)


@cache
def _alternating(rate: float, largest: float) -> optax.GradientTransformation:
    """RMSProp of the weights in eight of ten steps, and of the gates in the other two."""
    inner = _clipped_rmsprop(rate, largest)
    return optax.partition(
        {
            "gate": optax.transforms.conditionally_mask(inner, _gates_turn),
            "weight": optax.transforms.conditionally_mask(inner, _weights_turn),
        },
        _gates_and_weights,
    )


def _gates_turn(step: Any, **_: Any) -> Any:
    return jnp.asarray(step) % 10 >= 8


def _weights_turn(step: Any, **_: Any) -> Any:
    return ~_gates_turn(step)


def _gates_and_weights(parameters: Any) -> Any:
    def label(path: Any, _: Any) -> str:
        return "gate" if "gate" in jax.tree_util.keystr(path) else "weight"

    return jax.tree_util.tree_map_with_path(label, parameters)


@cache
def _nadam() -> optax.GradientTransformation:
    return optax.nadam(optax.piecewise_constant_schedule(1e-2, {6_400: 0.1, 12_800: 0.1}))
