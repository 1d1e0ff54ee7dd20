"""The outcome of a seed's training, a value instead of an exception."""

import enum


class Outcome(enum.IntEnum):
    """The outcome of one seed's training. `help` explains it and suggests what to try.

    !!! example
        >>> Outcome.DIVERGED.help
        'Some weight became infinite or NaN. Try a smaller learning rate or starting weights.'
    """

    NOT_SOLVED = 0
    SOLVED = 1
    DIVERGED = 2
    INTERRUPTED = 3

    @property
    def help(self) -> str:
        return _HELP[self]

    def __str__(self) -> str:
        return self.name.lower().replace("_", " ")


_HELP = {
    Outcome.SOLVED: (
        "At the step of the lowest validation error, the extrapolation error was below the "
        "task's threshold."
    ),
    Outcome.NOT_SOLVED: (
        "At the step of the lowest validation error, the extrapolation error was not below the "
        "task's threshold. Try more steps, other starting weights or another unit."
    ),
    Outcome.DIVERGED: (
        "Some weight became infinite or NaN. Try a smaller learning rate or starting weights."
    ),
    Outcome.INTERRUPTED: "Training was stopped before this seed was finished.",
}
