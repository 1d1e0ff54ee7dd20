"""Units as the last layer of ordinary networks: where they help, and where they do not."""

from ._networks import TRUNKS, Network
from ._tasks import OPERATIONS, Examples, examples, target

__all__ = ["OPERATIONS", "TRUNKS", "Examples", "Network", "examples", "target"]
