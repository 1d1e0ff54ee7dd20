"""Penalties, branches and snapping for ordinary training loops of PyTorch."""

import copy
import math
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from numerate._errors import check_whole, quoted
from numerate.torch._base import Unit, as_unit

if TYPE_CHECKING:
    from numerate.recipes import Recipe


def units_of(model: nn.Module) -> list[Unit]:
    """Every unit in a module, in the order of its parts.

    **Raises:** `TypeError` for anything but a module.

    !!! example
        >>> from numerate.torch import NAU, NMU
        >>> len(units_of(torch.nn.Sequential(NAU(3, 2), NMU(2, 1))))
        2
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {type(model).__name__}")
    return [module for module in model.modules() if isinstance(module, Unit)]


# The penalties that each optimiser adds.
_ADDED: "weakref.WeakKeyDictionary[torch.optim.Optimizer, list[Penalties]]"
_ADDED = weakref.WeakKeyDictionary()


class Penalties:
    """The penalties of a model's units, which an optimiser adds before every step.

    What `penalise` returns.

    **Fields:**

    - `step`: the number of completed steps; set it when a training is resumed.
    - `steps`: the number of steps of the training.
    """

    def __init__(self, model: nn.Module, optimiser: torch.optim.Optimizer, schedule: Any):
        self.step, self.steps = 0, schedule.steps
        self._schedule, self._units = schedule, units_of(model)
        earlier = _ADDED.setdefault(optimiser, [])
        for penalties in earlier:
            penalties._leave(self._units)
        earlier.append(self)
        self._hook = optimiser.register_step_pre_hook(self._before_step)

    @property
    def step(self) -> int:
        return self._step

    @step.setter
    def step(self, step: int) -> None:
        check_whole(0, sys.maxsize, step=step)
        self._step = int(step)

    def __call__(self) -> torch.Tensor:
        """The term that the penalties add to the loss at this step."""
        penalties = [self._schedule.penalty(unit, self.step) for unit in self._units]
        return sum(penalties, start=torch.zeros(()))

    def remove(self) -> None:
        """Stop adding penalties."""
        self._hook.remove()

    def _leave(self, units: list[Unit]) -> None:
        """Leave units to other penalties."""
        others = set(units)
        self._units = [unit for unit in self._units if unit not in others]

    def _before_step(
        self, optimiser: torch.optim.Optimizer, args: tuple, kwargs: dict[str, Any]
    ) -> tuple[tuple, dict[str, Any]] | None:
        step, self.step = self.step, self.step + 1
        closure = args[1] if len(args) > 1 else kwargs.get("closure")
        if closure is None:
            self._add(optimiser, step)
            return None

        def closure_with_penalties() -> Any:  # which computes the gradients
            loss = closure()
            self._add(optimiser, step)
            return loss

        if len(args) > 1:
            return (args[0], closure_with_penalties, *args[2:]), kwargs
        return args, kwargs | {"closure": closure_with_penalties}

    def _add(self, optimiser: torch.optim.Optimizer, step: int) -> None:
        units = [unit for unit in self._units if not self._schedule.is_zero(unit, step)]
        for unit in self._units:
            unit.forgive()
        if not units:
            return
        signs = {
            id(p): -1 if group.get("maximize") else 1
            for group in optimiser.param_groups
            for p in group["params"]
        }
        trained = [
            p for unit in units for p in unit.parameters() if p.requires_grad and id(p) in signs
        ]
        with torch.enable_grad():
            penalties = [self._schedule.penalty(unit, step) for unit in units]
            total = torch.stack(penalties).sum()
        if not trained or not total.requires_grad:  # a NALU has no penalty
            return
        # A gradient scaler that leaves the division to the optimiser stores the scale there.
        scale = getattr(optimiser, "grad_scale", None)
        gradients = torch.autograd.grad(total, trained, allow_unused=True)
        with torch.no_grad():
            for parameter, gradient in zip(trained, gradients, strict=True):
                if gradient is None:
                    continue
                gradient = signs[id(parameter)] * (gradient if scale is None else gradient * scale)
                if parameter.grad is None:
                    parameter.grad = gradient
                else:
                    parameter.grad.add_(gradient)


def penalise(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    recipe: "Recipe | dict[str, Recipe] | None" = None,
    *,
    steps: int | None = None,
) -> Penalties:
    """Let an optimiser add the scheduled penalties of a model's units before every step.

    Call it once before an ordinary loop. The loss does not change; the gradients of the penalties
    are added to those of `backward`. Called again for the same model and optimiser, it replaces the
    penalties that were added before.

    **Arguments:**

    - `model`: any module with units.
    - `optimiser`: its optimiser. A closure given to its `step` gets the penalties after its
        gradients. `LBFGS`, which compares the losses of several calls, is not supported.
    - `recipe`: a `numerate.recipes.Recipe`, such as `recipes.mistry2022("NMU")`, whose penalty and
        schedule apply to all units; or a mapping from names of units to recipes, for a mixed model.
        With `None` every unit follows its own paper's schedule, `scheduled_penalty`.
    - `steps`: the number of steps of the training; by default that of the recipe, whose schedule is
      scaled to it. After the last step the penalties stay constant.

    **Returns:** the `Penalties`; calling it gives the term that is added to the loss at this step.

    **Raises:** `TypeError` for anything but a module, an optimiser and a whole number of steps;
    `ValueError` for a model without units, without steps, for a mapping without one of the units, a
    recipe whose penalty depends on the loss, and `LBFGS`.

    !!! example
        >>> from numerate.torch import NMU
        >>> model = NMU(2, 1, seed=0)
        >>> optimiser = torch.optim.Adam(model.parameters(), 0.1)
        >>> penalties = penalise(model, optimiser, steps=1000)
        >>> penalties.step = 1000
        >>> bool(penalties() > 0)
        True
    """
    from numerate.train import PenaltySchedule

    units = units_of(model)
    if not isinstance(optimiser, torch.optim.Optimizer):
        raise TypeError(
            "optimiser must be one of torch.optim, such as Adam(model.parameters()), "
            f"got {quoted(optimiser)}"
        )
    if isinstance(optimiser, torch.optim.LBFGS):
        raise ValueError(
            "LBFGS computes gradients in a closure, within a step, where none can be added: add "
            "unit.scheduled_penalty(progress) to the loss in the closure"
        )
    schedule = PenaltySchedule(recipe, steps)
    schedule.check(units)
    return Penalties(model, optimiser, schedule)


def select_branches(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> nn.Module:
    """Select the branch of every `NASU` of a model by the error on validation data, in place.

    **Arguments:** `model`: any module with units in it; `x`, `y`: validation data.

    **Returns:** the model. Its mode does not change.

    **Raises:** `TypeError` for anything but a module with a `forward` and dense tensors, and
    `ValueError` for a model without units, where outputs and `y` differ in shape, and for `y`
    without rows or that are not finite. The model is then as it was.

    !!! example
        >>> from numerate.initialisers import constant
        >>> from numerate.torch import NASU
        >>> unit = NASU(2, 1, sum_init=constant(1.0))
        >>> x = torch.rand(100, 2) + 1
        >>> select_branches(unit, x, x.sum(1, keepdim=True)).operation
        ('sum',)
    """
    with _evaluating(model, x, y) as (units, error):
        _select(units, error, y)
    return model


def snap(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> nn.Module:
    """Snap weights to integers, in place, where that does not increase the error.

    The integers are those of the unit's paper: -1, 0 and 1 for the weights of a NAC or a NAU, 0 and
    1 for those of an NMU and for gates, exponents for the power units. Branches that are not chosen
    yet are chosen first. Parameters of other layers do not change.

    **Arguments:** `model`: any module with units; `x`, `y`: data, preferably validation data.

    **Returns:** the model. Its mode does not change.

    **Raises:** `TypeError` for anything but a module with a `forward` and dense tensors, and
    `ValueError` for a model without units, and where outputs and `y` differ in shape. The model is
    then as it was.

    !!! example
        >>> from numerate.initialisers import constant
        >>> from numerate.torch import NAU
        >>> unit, x = NAU(2, 1, w_hat_init=constant(0.98)), torch.rand(100, 2)
        >>> snap(unit, x, x.sum(1, keepdim=True)).weight.tolist()
        [[1.0, 1.0]]
    """
    import jax

    from numerate.train import rounding_error, snapped_units

    with _evaluating(model, x, y) as (units, error), jax.enable_x64(True):
        if any(not unit.is_chosen for unit in units):
            _select(units, error, y)

        def put(new: list[Any]) -> None:
            for unit, values in zip(units, new, strict=True):
                unit._assign(values)

        def loss(new: list[Any]) -> float:
            put(new)
            return error()

        floor = rounding_error(y.detach().cpu().float().numpy())
        put(snapped_units([as_unit(unit) for unit in units], loss, floor))
    return model


def _select(units: list[Unit], error: Callable[[], float], y: torch.Tensor) -> None:
    from numerate.train import check_choice

    check_choice(y.detach().cpu().double().numpy())
    for unit in units:
        if not unit.is_chosen:  # each starts from the first alternative of all others
            for index in range(len(unit.choices())):
                unit.choose_(index, 0)
    # The last unit first, with the others unchanged, as in `numerate.train.select`.
    for unit in reversed(units):
        for index, alternatives in enumerate(unit.choices()):
            errors = []
            for alternative in range(alternatives):
                unit.choose_(index, alternative)
                errors.append(error())
            unit.choose_(index, errors.index(min(errors)))


@contextmanager
def _evaluating(
    model: nn.Module, x: torch.Tensor, y: torch.Tensor
) -> Iterator[tuple[list[Unit], Callable[[], float]]]:
    """The units of a model in evaluation mode, and a function that measures its error.

    Where anything fails, the units become what they were.
    """
    units = units_of(model)
    if not units:
        raise ValueError(f"a {type(model).__name__} has no units of numerate")
    for name, data in (("x", x), ("y", y)):
        if not isinstance(data, torch.Tensor):
            kind = type(data).__name__
            raise TypeError(f"{name} must be a tensor, torch.as_tensor({name}); got {kind}")
        if data.is_nested:
            how = f"torch.nested.to_padded_tensor({name}, 0.0) is one"
            raise TypeError(f"{name} must be a dense tensor, got a nested one: {how}")
    if getattr(model.forward, "__func__", None) is nn.Module.forward:
        raise TypeError(f"model must compute outputs, and a {type(model).__name__} has no forward")

    @torch.no_grad()
    def error() -> float:
        outputs = model(x)
        if not isinstance(outputs, torch.Tensor):
            raise TypeError(f"model must give one tensor, got a {type(outputs).__name__}")
        if outputs.shape != y.shape:
            raise ValueError(
                "the model must give as many features as the targets have, shape "
                f"{tuple(y.shape)}; it gives shape {tuple(outputs.shape)}"
            )
        error = float((outputs.double() - y.double()).square().mean())
        return math.inf if math.isnan(error) else error

    modes = [(module, module.training) for module in model.modules()]
    before = [copy.deepcopy(unit.state_dict()) for unit in units]
    model.eval()
    try:
        yield units, error
    except BaseException:
        for unit, state in zip(units, before, strict=True):
            unit.load_state_dict(state)
        raise
    finally:
        for module, mode in modes:
            module.training = mode
