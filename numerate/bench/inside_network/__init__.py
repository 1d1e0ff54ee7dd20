"""Units as the last layer of ordinary networks: where they help, and where they do not."""

from ._networks import TRUNKS
from ._tasks import OPERATIONS, Examples, examples, target
from ._training import UNITS, Network

__all__ = ["OPERATIONS", "TRUNKS", "UNITS", "Examples", "Network", "examples", "target"]
