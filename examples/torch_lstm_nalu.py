"""A PyTorch LSTM with a NALU as its output layer, on the adding problem.

A sequence has ten numbers, uniform on [0, 1]. Two of them are marked by a 1 beside them, and the
target is their sum. The NALU computes the output from the last state of the LSTM. The model needs
no special code for numerate: the output layer is an ordinary `torch.nn.Module`.

    python examples/torch_lstm_nalu.py
"""

import torch
from torch import nn

from numerate.torch import NALU

LENGTH, HIDDEN, BATCH, STEPS = 10, 32, 128, 1500


class Adder(nn.Module):
    """Maps a sequence to one number."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(2, HIDDEN, batch_first=True)
        self.readout = NALU(HIDDEN, 1)

    def forward(self, sequences: torch.Tensor) -> torch.Tensor:
        _, (h, _) = self.lstm(sequences)
        return self.readout(h[-1]).squeeze(-1)


def sequences(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Sequences `(count, LENGTH, 2)` of numbers and marks, and the sums of the marked numbers."""
    numbers = torch.rand(count, LENGTH)
    marked = torch.rand(count, LENGTH).topk(2).indices
    marks = torch.zeros(count, LENGTH).scatter(1, marked, 1.0)
    return torch.stack([numbers, marks], dim=-1), (numbers * marks).sum(-1)


def main() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = Adder()
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(STEPS):
        x, y = sequences(BATCH)
        loss = nn.functional.mse_loss(model(x), y)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    model.eval()
    x, y = sequences(2000)
    with torch.no_grad():
        error = (model(x) - y).abs().mean()
    constant = (y - y.mean()).abs().mean()
    print(f"mean absolute error {error:.4f}, of a constant prediction {constant:.4f}")


if __name__ == "__main__":
    main()
