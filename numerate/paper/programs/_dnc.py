"""The differentiable neural computer, with one read head."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from numerate.arguments import check_sizes

# The lower bound of usages and norms, for logarithms and roots.
_LEAST = 1e-6


class DNCState(NamedTuple):
    """The state of a `DNC`.

    **Fields:** `output`, [h_t, r_t]; `cell` of the LSTM; `memory` M; `usage` u; `precedence` p;
    `links` L; the weightings `written` w^w and `read` w^r, over slots.
    """

    output: Float[Array, "features"]
    cell: Float[Array, "hidden"]
    memory: Float[Array, "slots width"]
    usage: Float[Array, "slots"]
    precedence: Float[Array, "slots"]
    links: Float[Array, "slots slots"]
    written: Float[Array, "slots"]
    read: Float[Array, "slots"]


class DNC(eqx.Module):
    """Differentiable neural computer: an LSTM with an external memory.

    The LSTM computes h_t from [x_t, r_{t-1}], where r is the read vector, and a linear layer
    computes from h_t the interface: keys k^w and k^r with strengths β, an erase vector e and a
    write vector v, gates f, g^a and g^w in [0, 1], and read modes π that sum to 1. ⊙ is the
    elementwise product.

    - content: C(M, k, β) = softmax over slots of β cos(M[i], k);
    - usage: u_t = (u + w^w - u ⊙ w^w) ⊙ (1 - f w^r), all of the previous step except f;
    - allocation: a[i] = (1 - u[i]) Π u[j] over the slots j with lower usage than i;
    - writing: w^w = g^w (g^a a + (1 - g^a) C(M, k^w, β^w)) and M_t = M ⊙ (1 - w^w eᵀ) + w^w vᵀ;
    - links: L[i, j] = (1 - w^w[i] - w^w[j]) L[i, j] + w^w[i] p[j], 0 where i = j, and then
        p_t = (1 - Σ w^w) p + w^w;
    - reading: w^r = π₁ Lᵀ w^r + π₂ C(M_t, k^r, β^r) + π₃ L w^r and r_t = M_tᵀ w^r.

    **Arguments:** `input_size`, of x_t; `hidden_size`, of h_t; `slots` of the memory, each
    `width` wide; `key`, which draws the parameters.

    **Shapes:** `(input_size,)` and a `DNCState` to the next state, whose `output` is
    `(hidden_size + width,)`; the first one is `start()`.

    **Represents exactly** no function that grows with its inputs. **Cannot** represent a sum or a
    product: what it writes is linear in h_t, which lies in [-1, 1].

    **Penalty:** none.

    **Constraint:** none: weightings are non-negative and sum to at most 1 by construction.

    **Raises:** `ValueError` for a negative size, or `slots` or `width` below 1.

    **Differs from the authors' code in** having one read head; in the output, [h, r], without a
    linear layer; and in the allocation, for which theirs sorts the slots. Among slots of equal
    usage the first counts as the least used.

    !!! example
        >>> cell = DNC(3, 4, key=jax.random.key(0))
        >>> cell(jnp.ones(3), cell.start()).output.shape
        (12,)

    ```bibtex
    @article{graves2016hybrid,
        title={Hybrid computing using a neural network with dynamic external memory},
        author={Graves, Alex and Wayne, Greg and Reynolds, Malcolm and Harley, Tim and
                Danihelka, Ivo and Grabska-Barwi{\\'n}ska, Agnieszka and others},
        journal={Nature},
        volume={538},
        pages={471--476},
        year={2016},
    }
    ```
    """

    controller: eqx.nn.LSTMCell
    interface: eqx.nn.Linear
    hidden_size: int = eqx.field(static=True)
    output_size: int = eqx.field(static=True)
    slots: int = eqx.field(static=True)
    width: int = eqx.field(static=True)

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        slots: int = 16,
        width: int = 8,
        *,
        key: PRNGKeyArray,
    ):
        check_sizes(input_size=input_size, hidden_size=hidden_size)
        if min(slots, width) < 1:
            raise ValueError(f"slots and width must be at least 1, got {slots} and {width}")
        keys = jax.random.split(key)
        self.controller = eqx.nn.LSTMCell(input_size + width, hidden_size, key=keys[0])
        # k^r, k^w, e, v; β^r, β^w, f, g^a, g^w; π.
        self.interface = eqx.nn.Linear(hidden_size, 4 * width + 5 + 3, key=keys[1])
        self.hidden_size = hidden_size
        self.output_size = hidden_size + width
        self.slots = slots
        self.width = width

    def start(self) -> DNCState:
        """The state before the first step: zeros."""
        none = jnp.zeros(self.slots)
        return DNCState(
            output=jnp.zeros(self.output_size),
            cell=jnp.zeros(self.hidden_size),
            memory=jnp.zeros((self.slots, self.width)),
            usage=none,
            precedence=none,
            links=jnp.zeros((self.slots, self.slots)),
            written=none,
            read=none,
        )

    def __call__(self, x: Float[Array, "input"], state: DNCState) -> DNCState:
        """The state after x_t."""
        h, last = jnp.split(state.output, [self.hidden_size])
        h, cell = self.controller(jnp.concatenate([x, last]), (h, state.cell))
        w = self.width
        parts = jnp.split(self.interface(h), [w, 2 * w, 3 * w, 4 * w, 4 * w + 5])
        read_key, write_key, erase, write, scalars, modes = parts
        strengths = 1 + jax.nn.softplus(scalars[:2])
        free, allocate, gate = jax.nn.sigmoid(scalars[2:])

        usage = state.usage + state.written - state.usage * state.written
        usage = usage * (1 - free * state.read)
        by_content = addressed(state.memory, write_key, strengths[1])
        written = gate * (allocate * allocation(usage) + (1 - allocate) * by_content)
        memory = state.memory * (1 - jnp.outer(written, jax.nn.sigmoid(erase)))
        memory = memory + jnp.outer(written, write)

        links = linked(state.links, state.precedence, written)
        precedence = (1 - written.sum()) * state.precedence + written
        backward, content, forward = jax.nn.softmax(modes)
        read = (
            backward * (links.T @ state.read)
            + content * addressed(memory, read_key, strengths[0])
            + forward * (links @ state.read)
        )
        output = jnp.concatenate([h, memory.T @ read])
        return DNCState(output, cell, memory, usage, precedence, links, written, read)


def addressed(
    memory: Float[Array, "slots width"], key: Float[Array, "width"], strength: Float[Array, ""]
) -> Float[Array, "slots"]:
    """C(M, k, β): slots weighted by the cosine similarity to the key."""
    lengths = jnp.sqrt(jnp.sum(memory**2, axis=1) + _LEAST) * jnp.sqrt(key @ key + _LEAST)
    return jax.nn.softmax(strength * (memory @ key) / lengths)


def allocation(usage: Float[Array, "slots"]) -> Float[Array, "slots"]:
    """a: nearly all to the least used slot, if it is free."""
    index = jnp.arange(len(usage))
    less = usage < usage[:, None]
    less |= (usage == usage[:, None]) & (index < index[:, None])
    logs = jnp.log(jnp.maximum(usage, _LEAST))
    return (1 - usage) * jnp.exp(jnp.sum(jnp.where(less, logs, 0.0), axis=1))


def linked(
    links: Float[Array, "slots slots"],
    precedence: Float[Array, "slots"],
    written: Float[Array, "slots"],
) -> Float[Array, "slots slots"]:
    """L: the degree to which slot i was written right after slot j."""
    kept = (1 - written[:, None] - written) * links + jnp.outer(written, precedence)
    return kept * (1 - jnp.eye(len(written)))
