"""The command line: `numerate fit | show | predict | datasets | reproduce`.

JAX takes a second to import and Polars a fifth of one, so nothing here imports them before a
command needs them: help, version and usage errors answer at once.
"""

from ._app import app as app
from ._app import main as main
