"""Recipes: the training settings of each paper (initialiser, optimiser, penalties, schedule).

    recipe = recipes.madsen2020("NMU")
    run = train_many(keys, task, recipe.model(2, 1), recipe.config)

The defaults of a unit are those of its authors, if these have one setting. A recipe adds optimiser
and schedule, and variants of a unit that was trained in several ways. Its docstring names the
script of the public code that it follows, and the differences.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import PyTree

from numerate import units
from numerate.initialisers import normal, orthogonal
from numerate.models import Stack
from numerate.train import INALU_AUTHORS, INALU_BENCHMARK, Config


@dataclass(frozen=True)
class Recipe:
    """A unit and its training settings.

    **Fields:**

    - `unit`: a function of `(in_features, out_features, *, key)` that makes the unit, or the
      `Stack` of several that the paper trained.
    - `config`: a `Config` for `train` and `train_many`; `dataclasses.replace` changes it.
    - `optimiser`: a function from the number of steps to `config.optimiser` if its learning rate
      has a schedule, else `None`.
    """

    unit: Callable[..., Any]
    config: Config
    optimiser: Callable[[int], optax.GradientTransformation] | None = None

    def model(self, in_features: int, out_features: int) -> Callable[..., Any]:
        """The function of `key=` that `train` takes: the unit with its sizes.

        It is the same object for the same sizes, so that programs are compiled once.
        """
        return _sized(self.unit, in_features, out_features)

    def shortened(self, steps: int) -> "Recipe":
        """The recipe with another number of steps.

        The schedules of penalties and learning rates are scaled, both those of units and those that
        the recipe gives in steps. `log_every` stays the same, or becomes the greatest common
        divisor with the steps. A rule for restarts counts measurements, and is not scaled.
        """
        if steps == self.config.steps:
            return self
        config = replace(self.config, steps=steps, log_every=math.gcd(steps, self.config.log_every))
        if callable(config.penalty_scale):
            factor = self.config.steps / steps
            config = replace(config, penalty_scale=_stretched(config.penalty_scale, factor))
        if self.optimiser is not None:
            config = replace(config, optimiser=self.optimiser(steps))
        return replace(self, config=config)


@cache
def _sized(unit: Callable[..., Any], in_features: int, out_features: int) -> Any:
    return partial(unit, in_features, out_features)


@cache
def _stretched(schedule: Callable[[Any], Any], factor: float) -> Callable[[Any], Any]:
    def at(step: Any) -> Any:
        return schedule(step * factor)

    return at


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

    arXiv:2001.05016, appendix, and `lfs_batch_jobs/function_task_static.sh` of
    AndreasMadsen/stable-nalu, where `--regualizer` is one factor of the penalties of both layers.
    NACs are initialised as in their code, see `initialisers.madsen`.
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


def mistry2022(unit: str, operation: str = "mul", *, inputs: int = 2) -> Recipe:
    """Mistry et al. (2022), the "Primer": one unit, two inputs, 50,000 steps, batch 128.

    **Arguments:**

    - `unit`: `"NAC"`, `"NACMul"`, `"NALU"`, `"GNALU"`, `"iNALU"`, `"NAU"`, `"NMU"`, `"NPU"`,
        `"RealNPU"`, `"MCFC"`, `"MulMCFC"`, `"MulMCFCSignINALU"` or `"MulMCFCSignRealNPU"`.
    - `operation`: `"div"` makes the L1 penalty of the NPUs a hundred times smaller.
    - `inputs`: number of inputs. With more than two, of which two are relevant, training has
        100,000 steps and the penalties of NAU, NMU and the mass-conserving units grow from 50,000
        to 75,000 steps instead of 20,000 to 35,000. In both cases, the penalty of the NPUs grows
        tenfold every 10,000 steps, and the iNALU is trained for 50,000.

    **Raises:** `ValueError` for another unit, or fewer than two inputs.

    !!! example
        >>> mistry2022("NAU").config.steps, mistry2022("NAU", inputs=10).config.steps
        (50000, 100000)

    Journal of Machine Learning Research 23(185), and of bmistry4/nalm-benchmark
    `lfs_batch_jobs/single_layer_task/benchmarking/single_layer_benchmark.sh`. It has runs with ten
    inputs for the NAU
    (`--max-iterations 100000 --regualizer-scaling-start 50000 --regualizer-scaling-end 75000`) and
    the iNALU; the other units have the schedule of the NAU here.

    - NACs, NALUs and the GNALU are initialised by `initialisers.madsen`, with ε = 1e-7. The GNALU
        (`--nalu-gate golden-ratio --nalu-mul golden-ratio --nac-weight golden-ratio`) has the gate
        σ_φ(G x) with Glorot's initialisation of G, unlike that of Rana et al. in `rana2019`.
    - NPUs: `--learning-rate 5e-3 --regualizer-l1`, with β from 1e-7 to 1e-5, for quotients from
        1e-9 to 1e-7, and the gate clipped without a gradient outside [0, 1]. With a
        straight-through gradient, 3 of 8 seeds of the RealNPU learn a / b from U[1, 2], with the
        clip all 8.
    - The iNALU (`--clip-grad-value 0.1 --reinit`) is initialised as in its authors' module, at 0.88
      and 0.5, and not as in their experiments. It has Adam, the penalty after 10,000 steps and
      `train.INALU_BENCHMARK` for restarts. Their penalty depends on the validation error, ours on
      that of the batch.
    - MCFCs (`marc_single_layer.sh` beside it) have no trash there, and a gate weight of -1 or 1 for
        a single output. Ours have the trash, and the same gate. The script of MulMCFCSignRealNPU is
        not public; its sign gate's penalty has the factor 1.
    """
    config = _of_inputs(inputs, Config(optimiser=_adam(1e-3)))
    later = _later(inputs, config)
    nac = {"w_hat_init": "madsen", "m_hat_init": "madsen"}
    npu = replace(config, optimiser=_adam(5e-3))
    if operation == "div":
        npu = replace(npu, penalty_scale=_tenfold(1e-9, 1e-7, 10_000))
    elif inputs > 2:
        npu = replace(npu, penalty_progress=_moved((0.1, 0.2), (0.2, 0.4)))
    golden = {**nac, "gate_init": "glorot_uniform", "gate_input": "inputs", "eps": 1e-7}
    port = {
        "w_hat_init": normal(0.88, 0.2),
        "m_hat_init": normal(0.5, 0.2),
        "gate_init": normal(0.0, 0.2),
    }
    clipped = Config(
        optimiser=_clipped_adam(0.1),
        # After step 10,000 of 50,000; the unit's own schedule starts at 11 % of the training.
        penalty_progress=_moved((0.20001, 0.11)),
        penalty_below=1.0,
        restart=INALU_BENCHMARK,
    )
    mass = {"gate_init": _orthogonal_without_trash}
    return _one_of(
        unit,
        NAC=lambda: Recipe(partial(units.NAC, **nac), config),
        NACMul=lambda: Recipe(partial(units.NACMul, **nac, eps=1e-7), config),
        NALU=lambda: Recipe(partial(units.NALU, **nac, eps=1e-7), config),
        GNALU=lambda: Recipe(partial(units.GNALU, **golden), config),
        iNALU=lambda: Recipe(partial(units.iNALU, **port), clipped),
        NAU=lambda: Recipe(units.NAU, later),
        NMU=lambda: Recipe(units.NMU, later),
        NPU=lambda: Recipe(units.NPU, npu),
        RealNPU=lambda: Recipe(units.RealNPU, npu),
        MCFC=lambda: Recipe(partial(units.MCFC, **mass), later),
        MulMCFC=lambda: Recipe(partial(units.MulMCFC, **mass), later),
        MulMCFCSignINALU=lambda: Recipe(partial(units.MulMCFCSignINALU, **mass), later),
        MulMCFCSignRealNPU=lambda: Recipe(partial(units.MulMCFCSignRealNPU, **mass), later),
    )


def mistry2022snmu(noise: tuple[float, float] | None = (1.0, 5.0), **settings: Any) -> Recipe:
    """Mistry et al. (2022b): the stochastic NMU on two inputs, with the settings of the NMU.

    **Arguments:** `noise` and further `settings` of `sNMU`, such as `deviation`.

    !!! example
        >>> mistry2022snmu().unit(2, 1, key=jax.random.key(0)).noise
        (1.0, 5.0)

    arXiv:2211.05624, and `lfs_batch_jobs/icml_2022/single_module.sh` of bmistry4/nalm-robust-nmu
    (`--nmu-noise`, with the default noise of U[1, 5]).
    """
    return Recipe(partial(units.sNMU, noise=noise, **settings), Config(optimiser=_adam(1e-3)))


def mistry2023(unit: str, *, inputs: int = 2) -> Recipe:
    """Mistry et al. (2023): division with one unit, two inputs, 50,000 steps, batch 128.

    **Arguments:**

    - `unit`: `"RealNPU"` or `"RealNPUModified"` (Adam 5e-3), `"NRU"` (Adam 1, with more than two
        inputs 1e-3), `"NMRU"` or `"SignNMRU"` (both Adam 1e-2 with gradients clipped to norm 1).
    - `inputs`: number of inputs. With more than two, of which two are relevant, training has
        100,000 steps and penalties grow from 50,000 to 75,000 steps, instead of 20,000 to 35,000,
        or of 40,000 to 50,000 for `"RealNPUModified"`. In both cases, the L1 penalty of the
        RealNPUs grows from 1e-9 to 1e-7, tenfold every 10,000 steps.

    **Raises:** `ValueError` for another unit, or fewer than two inputs.

    !!! example
        >>> mistry2023("SignNMRU").config.batch_size
        128

    arXiv:2110.05177, and `lfs_batch_jobs/single_layer_task/neurips_2021/sltr-in2.sh` of
    bmistry4/nalm-division, with `sltr-in10.sh` of bmistry4/nalu-stable-exp-neurips-review for ten
    inputs. The modified RealNPU is the run with `--npu-clip wg --regualizer-npu-w 1
    --regualizer-gate 1 --reg-scale-type madsen --npu-Wr-init xavier-uniform-constrained`.
    """
    config = _of_inputs(inputs, Config())
    power = replace(config, optimiser=_adam(5e-3))
    baseline = replace(power, penalty_scale=_tenfold(1e-9, 1e-7, 10_000))
    modified = power
    if inputs > 2:
        moved = _moved((0.1, 0.2), (0.2, 0.4), (0.5, 0.8), (0.75, 1.0))
        modified = replace(power, penalty_progress=moved)
    later = _later(inputs, config)
    nru = replace(later, optimiser=_adam(1.0 if inputs == 2 else 1e-3))
    norm = replace(later, optimiser=_norm_adam(1e-2, 1.0))
    return _one_of(
        unit,
        RealNPU=lambda: Recipe(units.RealNPU, baseline),
        RealNPUModified=lambda: Recipe(units.RealNPUModified, modified),
        NRU=lambda: Recipe(units.NRU, nru),
        NMRU=lambda: Recipe(units.NMRU, norm),
        SignNMRU=lambda: Recipe(units.SignNMRU, norm),
    )


def heim2020(unit: str, setting: str = "simple", operation: str = "mul") -> Recipe:
    """Heim et al. (2020): their two experiments with arithmetic.

    **Arguments:**

    - `unit`: `"NPU"` or `"RealNPU"`.
    - `setting`: `"simple"`, a unit 2→6 and a sum of its outputs: Adam 5e-3, batch 100, 20,000 steps
        and no penalty. `"large"`, a layer of sums 100→100 and a unit 100→1: RMSProp, batch 128,
        100,000 steps, and the L1 penalty.
    - `operation`: for the large setting. `"add"` (rate 1e-2), `"mul"` or `"sqrt"` (both 5e-3) have
        an L1 penalty times 1e-5, and 1e-4 from 10,000 steps on; `"div"`, the reciprocal of a sum
        (5e-3), one times 1e-9, ten times that from 10,000 and a hundred times from 20,000 on.

    **Raises:** `ValueError` for another unit, setting or operation.

    !!! example
        >>> heim2020("NPU").config.batch_size, heim2020("NPU", "large").config.batch_size
        (100, 128)

    arXiv:2006.01681, and of nmheim/NeuralPowerUnits `scripts/simple/run.jl` (`:niters=>20000,
    :βl1=>0, :lr=>0.005`) and `scripts/arithmetic/*_l1_runs.jl` with `sobolconfigs.jl`. Their text
    gives a learning rate of 1e-3. One version of `sobolconfigs.jl` starts the penalty of the root
    at 1e-6. In the large setting exponents start as U(0, 0.1). The NAU before the unit is not
    clipped, and its only penalty is L1, of which our recipe only has the unit's part.
    """
    npus = {"NPU": ("w_real_init", units.NPU), "RealNPU": ("w_hat_init", units.RealNPU)}
    _known(unit=(unit, npus), setting=(setting, ("simple", "large")), operation=(operation, _LARGE))
    start, made = npus[unit]
    if setting == "simple":
        optimiser = _adam(5e-3)
        return Recipe(made, Config(20_000, 100, optimiser=optimiser, penalty_scale=0.0))
    rate, first, last = _LARGE[operation]
    config = Config(
        steps=100_000, optimiser=_flux_rmsprop(rate), penalty_scale=_tenfold(first, last, 10_000)
    )
    return Recipe(partial(made, **{start: _first_tenth}), config)


# The learning rate, and the first and the last factor of the L1 penalty.
_LARGE = {
    "add": (1e-2, 1e-5, 1e-4),
    "mul": (5e-3, 1e-5, 1e-4),
    "div": (5e-3, 1e-9, 1e-7),
    "sqrt": (5e-3, 1e-5, 1e-4),
}


def schloer2020(unit: str) -> Recipe:
    """Schlör et al. (2020): RMSProp 1e-2 on 100 epochs of 1,000 batches of 64.

    Of every ten batches eight train Ŵ and M̂ and two the gates. Gradients are clipped to ±0.1.
    From the twelfth epoch on, after 11 % of the training, the penalty has a separate step of all
    parameters after every batch whose loss is below 1, and `train.INALU_AUTHORS` restarts seeds.
    All steps share one optimiser and its accumulators of squared gradients, so that a step of the
    penalty changes the size of the next step of the loss.

    **Arguments:** `unit`: `"iNALU"` or `"iNALUShared"`.

    **Raises:** `ValueError` for another unit.

    !!! example
        >>> schloer2020("iNALU").config.steps
        100000

    Frontiers in Artificial Intelligence 3:71, and `nalu_syn_simple_arith.py` of daschloer/inalu.
    They draw 64,000 examples once; here every batch is fresh.
    """
    optimiser = _in_turns(1e-2, 0.1)
    config = Config(
        steps=100_000,
        batch_size=64,
        optimiser=optimiser,
        penalty_below=1.0,
        penalty_optimiser=optimiser,
        restart=INALU_AUTHORS,
    )
    return _one_of(
        unit,
        iNALU=lambda: Recipe(units.iNALU, config),
        iNALUShared=lambda: Recipe(units.iNALUShared, config),
    )


def rana2019(unit: str) -> Recipe:
    """Rana et al. (2019): two units with three outputs and one output, trained with Keras' Nadam.

    The rate is 1e-2, 1e-3 and 1e-4, for 100 epochs of 64 batches of 1,024 each.

    **Arguments:** `unit`: `"GNAC"` or `"GNALU"`.

    **Raises:** `ValueError` for another unit.

    !!! example
        >>> rana2019("GNALU").config.batch_size
        1024

    ICTAI 2019, and `nalu-variants-experiments/arithmatic_experiments.py` of
    ashishrana160796/calcnet-experiments: G = 10, gates of |x| and ε = 1e-7. They draw 65,536 rows
    once; here every batch is fresh. The Nadam of Keras 2 has a momentum that grows with the steps,
    unlike that of Optax.
    """
    steps = 19_200
    config = Config(steps=steps, log_every=640, batch_size=1024, optimiser=_falling_nadam(steps))
    return _one_of(
        unit,
        GNAC=lambda: Recipe(_two(units.GNAC), config, _falling_nadam),
        GNALU=lambda: Recipe(_two(_RANA_GNALU), config, _falling_nadam),
    )


def dujardin2025(unit: str) -> Recipe:
    """DuJardin (2025), Hill Space: weights from zero at a learning rate of 0.1, batch 64.

    **Arguments:** `unit`: `"HillSpaceSum"` or `"HillSpaceProduct"`.

    **Raises:** `ValueError` for another unit.

    !!! example
        >>> dujardin2025("HillSpaceSum").config.batch_size
        64

    `hillspace/train.py` and `hillspace/experiments/experiment_inalu.py` of justindujardin/hillspace
    have AdamWScheduleFree(lr=0.1, betas=(0.9, 0.96), weight_decay=1e-8), which evaluates averaged
    weights. Here it is Adam with these β and a cosine schedule to zero over 50,000 steps, without
    weight decay; theirs has 1,000 batches in an epoch and ends at convergence. Their snapping is
    `HillSpace.snapped`.
    """
    config = Config(batch_size=64, optimiser=_cosine_adam(50_000))
    return _one_of(
        unit,
        HillSpaceSum=lambda: Recipe(units.HillSpaceSum, config, _cosine_adam),
        HillSpaceProduct=lambda: Recipe(units.HillSpaceProduct, config, _cosine_adam),
    )


def hoedt2021(unit: str) -> Recipe:
    """Hoedt et al. (2021): mass-conserving layers on 100 inputs, batch 128, without penalty.

    **Arguments:** `unit`: `"MCFC"`, the first layer before a linear one, for sums and differences
    (Adam 1e-4, 500,000 steps), or `"MulMCFC"`, the second after an MCFC of three outputs, for
    products (Adam 1e-2, 3,000,000 steps).

    **Raises:** `ValueError` for another unit.

    !!! example
        >>> hoedt2021("MulMCFC").config.steps
        3000000

    arXiv:2101.05186, and `mclstm_tableB2.sh` of hoedt/stable-nalu: `--regualizer 0`, except for
    sums, whose penalty would begin at step 1,000,000. Their MCFC has no trash, whose role one of
    the three outputs for differences and products can take; ours has one. `mistry2022` has the
    settings of Mistry et al. (2022).
    """
    return _one_of(
        unit,
        MCFC=lambda: Recipe(units.MCFC, Config(500_000, optimiser=_adam(1e-4), penalty_scale=0.0)),
        MulMCFC=lambda: Recipe(
            units.MulMCFC, Config(3_000_000, optimiser=_adam(1e-2), penalty_scale=0.0)
        ),
    )


def faber2023(unit: str = "NSR") -> Recipe:
    """Faber & Wattenhofer (2023): comparisons of the integers 1 to 9, 50,000 steps of Adam 1e-3.

    **Arguments:** `unit`: `"NSR"`.

    **Raises:** `ValueError` for another unit.

    !!! example
        >>> faber2023().config.batch_size
        81

    arXiv:2004.07085, and `comparisons/comparisons.py` of lukasjf/neural_status_register: ζ = 1, one
    register (`--redundancy` is accepted but set to 1), and all 81 pairs of integers in every step;
    for equality it has 18 pairs. They minimise the mean absolute error in float64; the engine
    minimises the mean squared error of random batches.
    """
    config = Config(batch_size=81, optimiser=_adam(1e-3))
    return _one_of(unit, NSR=lambda: Recipe(units.NSR, config))


def numerate2026(unit: str = "NASU") -> Recipe:
    """Ours, for `NASU`: 20,000 steps of Adam 1e-2 with gradients clipped to norm 1, batch 128.

    The operation is selected every 1,000 steps.

    **Raises:** `ValueError` for another unit.

    !!! example
        >>> numerate2026().config.steps
        20000
    """
    config = Config(steps=20_000, optimiser=_norm_adam(1e-2, 1.0))
    return _one_of(unit, NASU=lambda: Recipe(units.NASU, config))


def _one_of(unit: str, **known: Callable[[], Recipe]) -> Recipe:
    _known(unit=(unit, known))
    return known[unit]()


def _known(**settings: tuple[str, Any]) -> None:
    for name, (value, known) in settings.items():
        if value not in known:
            raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}")


def _of_inputs(inputs: int, config: Config) -> Config:
    """The configuration for two inputs, or for more of which two are relevant."""
    if inputs < 2:
        raise ValueError(f"inputs must be at least 2, got {inputs}")
    return config if inputs == 2 else replace(config, steps=100_000)


def _later(inputs: int, config: Config) -> Config:
    """For units whose penalties grow from 40 to 70 % of the training, as for two inputs."""
    if inputs == 2:
        return config
    return replace(config, penalty_progress=_moved((0.5, 0.4), (0.75, 0.7)))


@cache
def _moved(*points: tuple[float, float]) -> Callable[[Any], Any]:
    """A piecewise linear map from the progress of the training to that of a unit's schedule."""
    here, there = zip((0.0, 0.0), *points, (1.0, 1.0), strict=True)

    def progress(done: Any) -> Any:
        return jnp.interp(done, jnp.asarray(here), jnp.asarray(there))

    return progress


@cache
def _ramp(height: float, start: float, end: float) -> Callable[[Any], Any]:
    return optax.linear_schedule(0.0, height, int(end - start), int(start))


@cache
def _tenfold(first: float, last: float, every: int) -> Callable[[Any], Any]:
    """`first`, multiplied by 10 after `every` steps, and at most `last`."""

    def scale(step: Any) -> Any:
        return jnp.minimum(first * 10.0 ** (step // every), last)

    return scale


def _orthogonal_without_trash(key: Any, shape: tuple[int, int], dtype: Any) -> Any:
    """The gate weights of a layer without trash, and 0 for the trash."""
    return jnp.pad(orthogonal(key, (shape[0] - 1, shape[1]), dtype), ((0, 1), (0, 0)))


def _first_tenth(key: Any, shape: tuple[int, int], dtype: Any) -> Any:
    return jax.random.uniform(key, shape, dtype, 0.0, 0.1)


_RANA_GNALU = partial(units.GNALU, eps=1e-7)


@cache
def _two(unit: Callable[..., Any]) -> Callable[..., Stack]:
    """Two units in sequence, the first with three outputs."""

    def stack(in_features: int, out_features: int, *, key: Any) -> Stack:
        return Stack([partial(unit, in_features, 3), partial(unit, 3, out_features)], key=key)

    return stack


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
def _cosine_adam(steps: int) -> optax.GradientTransformation:
    return optax.adam(optax.cosine_decay_schedule(0.1, steps), b2=0.96)


@cache
def _flux_rmsprop(rate: float) -> optax.GradientTransformation:
    """RMSProp with the defaults of Flux: decay 0.9, ε outside the root."""
    return optax.rmsprop(rate, decay=0.9, eps=1e-8, eps_in_sqrt=False)


@cache
def _clipped_rmsprop(rate: float, largest: float) -> optax.GradientTransformation:
    # TensorFlow 1's defaults, as used by the authors: decay 0.9, ε inside the root.
    rmsprop = optax.rmsprop(rate, decay=0.9, eps=1e-10, initial_scale=1.0)
    return optax.chain(optax.clip(largest), rmsprop)


class _Turns(NamedTuple):
    count: Any
    inner: Any


@cache
def _in_turns(rate: float, largest: float) -> optax.GradientTransformationExtraArgs:
    """RMSProp of the weights in eight of ten steps, of the gates in the other two.

    Steps of the penalty, with `penalty=True`, update both, are not counted, and share the
    accumulators.
    """
    inner = _clipped_rmsprop(rate, largest)

    def init(params: Any) -> Any:
        return _Turns(jnp.zeros((), jnp.int32), inner.init(params))

    def update(
        updates: Any, state: Any, params: Any = None, *, penalty: bool = False, **extra_args: Any
    ) -> tuple[Any, Any]:
        updates, new = inner.update(updates, state.inner, params)
        if penalty:
            return updates, state._replace(inner=new)
        gates_turn = state.count % 10 >= 8

        def in_turn(path: Any, yes: Any, no: Any) -> Any:
            is_gate = "gate" in jax.tree_util.keystr(path)
            return jnp.where(gates_turn == is_gate, yes, no)

        nothing = jax.tree.map(jnp.zeros_like, updates)
        updates = jax.tree_util.tree_map_with_path(in_turn, updates, nothing)
        new = jax.tree_util.tree_map_with_path(in_turn, new, state.inner)
        return updates, _Turns(state.count + 1, new)

    return optax.GradientTransformationExtraArgs(init, update)


@cache
def _falling_nadam(steps: int) -> optax.GradientTransformation:
    thirds = {steps // 3: 0.1, 2 * steps // 3: 0.1}
    rate = optax.piecewise_constant_schedule(1e-2, thirds)
    return optax.chain(_keras_nadam(), optax.scale_by_learning_rate(rate))


class _Nadam(NamedTuple):
    count: Any
    momenta: Any
    mean: PyTree
    square: PyTree


def _keras_nadam() -> optax.GradientTransformation:
    """The updates of Keras 2's Nadam, without the learning rate.

    At step t, from 1, the momentum is μ_t = 0.9 (1 - 0.96^(0.004 t)/2), and with Π_t = μ_1 … μ_t
    the step is ((1 - μ_t) g/(1 - Π_t) + μ_(t+1) m/(1 - Π_(t+1))) / (√v̂ + 1e-7), where m and v̂ are
    those of Adam, m without bias correction.
    """
    b1, b2, eps = 0.9, 0.999, 1e-7

    def init(params: Any) -> Any:
        zeros = jax.tree.map(jnp.zeros_like, params)
        return _Nadam(jnp.zeros((), jnp.int32), jnp.ones(()), zeros, zeros)

    def update(updates: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        gradients = updates
        count = state.count + 1
        now, then = (b1 * (1 - 0.5 * 0.96 ** (0.004 * (count + i))) for i in (0, 1))
        momenta = state.momenta * now
        mean = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, state.mean, gradients)
        square = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g**2, state.square, gradients)

        def step(g: Any, m: Any, v: Any) -> Any:
            ahead = (1 - now) * g / (1 - momenta) + then * m / (1 - momenta * then)
            return (ahead / (jnp.sqrt(v / (1 - b2**count)) + eps)).astype(g.dtype)

        return jax.tree.map(step, gradients, mean, square), _Nadam(count, momenta, mean, square)

    return optax.GradientTransformation(init, update)
