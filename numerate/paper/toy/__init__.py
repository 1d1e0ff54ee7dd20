"""Two weights, and a tutorial."""

from ._task import TutorialRows

__all__ = ["TutorialRows"]
