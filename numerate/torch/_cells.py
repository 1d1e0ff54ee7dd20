"""Recurrent units, with the interface of PyTorch's cells."""

import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from numerate._errors import check_features, check_fit, check_maker, check_whole
from numerate.torch._base import Unit, check_tensor


class RecurrentCell(nn.Module):
    """One step of a recurrent unit: h' = unit([x, h]), called as `torch.nn.RNNCell` is.

    **Arguments:**

    - `unit`: a unit's class, or any function of `(in_features, out_features)` that makes one.
    - `input_size`: features of x.
    - `hidden_size`: features of h.
    - further arguments are passed to `unit`.

    **Raises:** `TypeError` for a unit that is already an instance, and for an input or state that
    is not a tensor of floating-point numbers; `ValueError` for a unit that does not map `input_size
    + hidden_size` features to `hidden_size`, and for an input or state of another shape.

    **Shapes:** `forward(input, hx=None)` maps `(*batch, input_size)` and the state
    `(*batch, hidden_size)`, zeros if it is not given, to the next state.

    !!! example
        >>> import torch
        >>> from numerate.torch import NALU
        >>> cell, h = RecurrentCell(NALU, input_size=3, hidden_size=2, seed=0), None
        >>> for x in torch.ones(10, 5, 3):
        ...     h = cell(x, h)
        >>> h.shape
        torch.Size([5, 2])
    """

    def __init__(self, unit: Callable[..., Unit], input_size: int, hidden_size: int, **kwargs: Any):
        super().__init__()
        check_maker("unit", unit, nn.Module, "NAU")
        check_whole(0, sys.maxsize, input_size=input_size, hidden_size=hidden_size)
        self.unit = unit(input_size + hidden_size, hidden_size, **kwargs)
        check_fit(self.unit, input_size, hidden_size)
        self.input_size = input_size
        self.hidden_size = hidden_size

    def forward(self, input: torch.Tensor, hx: torch.Tensor | None = None) -> torch.Tensor:
        """The next state, from an input and the previous state."""
        name = type(self).__name__
        check_tensor(name, input)
        check_features(name, self.input_size, input)
        hx = self._state(input, input.shape[:-1], hx)
        return self.unit(torch.cat([input, hx], dim=-1))

    def _state(
        self, input: torch.Tensor, batch: torch.Size, hx: torch.Tensor | None
    ) -> torch.Tensor:
        """The state before an input, zeros for `None`."""
        if hx is None:
            return input.new_zeros(*batch, self.hidden_size)
        name = f"the state of {type(self).__name__}"
        if isinstance(hx, tuple):
            raise TypeError(f"{name} is one tensor, got a tuple of {len(hx)}: hx[0] may be it")
        check_tensor(name, hx)
        check_features(name, self.hidden_size, hx)
        if hx.shape[:-1] != batch:
            wanted = (*batch, self.hidden_size)
            raise ValueError(
                f"{name} must have the input's batch, shape {wanted}, got shape {tuple(hx.shape)}"
            )
        return hx

    def extra_repr(self) -> str:
        return f"input_size={self.input_size}, hidden_size={self.hidden_size}"


class Recurrent(RecurrentCell):
    """A recurrent unit over whole sequences, as `numerate.Recurrent` in JAX.

    **Arguments:** as for `RecurrentCell`.

    **Shapes:** `forward(input, hx=None)` maps `(*batch, time, input_size)` and a first state,
    zeros if it is not given, to the last state `(*batch, hidden_size)`.

    !!! example
        >>> import torch
        >>> from numerate.torch import NAU
        >>> Recurrent(NAU, input_size=3, hidden_size=2, seed=0)(torch.ones(5, 10, 3)).shape
        torch.Size([5, 2])
    """

    def forward(self, input: torch.Tensor, hx: torch.Tensor | None = None) -> torch.Tensor:
        """The last state of sequences."""
        name = type(self).__name__
        check_tensor(name, input)
        check_features(name, self.input_size, input, batch="*batch, time, ")
        if input.ndim < 2:
            raise ValueError(
                f"{name} takes sequences, shape (*batch, time, {self.input_size}), "
                f"got shape {tuple(input.shape)}"
            )
        hx = self._state(input, input.shape[:-2], hx)
        for x in input.unbind(-2):
            hx = super().forward(x, hx)
        return hx
