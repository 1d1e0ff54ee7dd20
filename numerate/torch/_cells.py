"""Recurrent units, with the interface of PyTorch's cells."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from numerate._errors import check_array, check_features, check_maker
from numerate.torch._base import HOW_TO_CONVERT, Unit


class RecurrentCell(nn.Module):
    """One step of a recurrent unit: h' = unit([x, h]), called as `torch.nn.RNNCell` is.

    **Arguments:**

    - `unit`: a unit's class, or any function of `(in_features, out_features)` that makes one.
    - `input_size`: features of x.
    - `hidden_size`: features of h.
    - further arguments are passed to `unit`.

    **Raises:** `TypeError` for a unit that is already an instance, and `ValueError` for an input or
    state of another size.

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
        self.unit = unit(input_size + hidden_size, hidden_size, **kwargs)
        self.input_size = input_size
        self.hidden_size = hidden_size

    def forward(self, input: torch.Tensor, hx: torch.Tensor | None = None) -> torch.Tensor:
        """The next state, from an input and the previous state."""
        name = type(self).__name__
        check_array(name, input, torch.Tensor, "torch.Tensor", HOW_TO_CONVERT)
        check_features(name, self.input_size, input)
        if hx is None:
            hx = input.new_zeros(*input.shape[:-1], self.hidden_size)
        check_features(f"the state of {name}", self.hidden_size, hx)
        return self.unit(torch.cat([input, hx], dim=-1))

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
        check_array(name, input, torch.Tensor, "torch.Tensor", HOW_TO_CONVERT)
        check_features(name, self.input_size, input, batch="*batch, time, ")
        if input.ndim < 2:
            raise ValueError(
                f"{name} takes sequences, shape (*batch, time, {self.input_size}), "
                f"got shape {tuple(input.shape)}"
            )
        if hx is None:
            hx = input.new_zeros(*input.shape[:-2], self.hidden_size)
        for x in input.unbind(-2):
            hx = super().forward(x, hx)
        return hx
