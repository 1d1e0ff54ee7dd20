"""The limits of a search."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Limits of a search: seconds, depth of stacks, random starts of each population, whether
    stacks that need no training are solved directly, and whether rows far from the formula are
    left out."""

    budget: float = 60.0
    max_depth: int = 4
    n_starts: int = 64
    closed_forms: bool = True
    robust: bool = False
