"""The command line: `numerate fit | show | predict | datasets | reproduce`.

Importing JAX takes a second and Polars a fifth of a second, so every command imports what it
needs when it runs. Help, version and usage errors need neither.
"""

from ._app import app as app
from ._app import main as main
