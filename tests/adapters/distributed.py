"""Trains units in two processes that average their gradients: one JSON object of what differs.

    python -m tests.adapters.distributed NALU NMU …   # without names, every row

Each process has a half of every batch. Afterwards its parameters are those of the other, and
those of one process that has the whole batch; a unit with noise has its own in each.
"""

import json
import os
import socket
import sys
import warnings

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

import numerate.torch
from tests.units.table import UNITS

STEPS = 6


def made(name):
    """Behind a linear layer, in float64, so that sums of halves are those of the whole."""
    case = UNITS[name]
    unit = getattr(numerate.torch, case.unit.__name__)
    linear = torch.nn.Linear(3, 3, dtype=torch.float64)
    return torch.nn.Sequential(linear, unit(3, 2, **case.kwargs, dtype=torch.float64, seed=0))


def trained(model, part):
    """What a plain loop with penalties makes of a model; `part` cuts a batch."""
    optimiser = torch.optim.SGD(model.parameters(), lr=1e-2)
    penalties = numerate.torch.penalise(model, optimiser, steps=STEPS)
    penalties.step = STEPS - 2  # where they are fully on, and beyond
    for step in range(STEPS):
        x = 0.5 + torch.rand(8, 3, generator=torch.Generator().manual_seed(step)).double()
        loss = (model(part(x)) - 3).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return torch.nn.utils.parameters_to_vector(model.parameters()).detach()


def difference(name, rank):
    """The largest, relative to the parameters: from the other process, and from one alone."""
    models = []
    for _ in range(2):
        torch.manual_seed(0)
        models.append(made(name))
    parallel = DistributedDataParallel(models[0], find_unused_parameters=name == "NASU")
    mine = trained(parallel, lambda x: x[4 * rank : 4 * rank + 4])
    alone = trained(models[1], lambda x: x)
    start = torch.nn.utils.parameters_to_vector(made(name).parameters())
    assert not torch.allclose(mine[12:], start[12:], rtol=1e-9), "nothing was learnt"
    other = mine.clone()
    dist.broadcast(other, src=0)
    scale = float(alone.abs().max())
    apart = float((mine - other).abs().max()) / scale
    return apart, float((mine - alone).abs().max()) / scale


def run(rank, port, names):
    warnings.simplefilter("ignore")
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=2)
    found = {name: difference(name, rank) for name in names}
    everywhere = [{}, {}]
    dist.all_gather_object(everywhere, found)
    if rank == 0:
        pairs = {name: [one[name] for one in everywhere] for name in names}
        print(json.dumps({name: list(map(max, zip(*p, strict=True))) for name, p in pairs.items()}))
    dist.destroy_process_group()


if __name__ == "__main__":
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    torch.multiprocessing.spawn(run, (port, sys.argv[1:] or list(UNITS)), nprocs=2)
