"""The command line: `numerate fit | show | predict | datasets | reproduce`.

Importing JAX takes a second and Polars a fifth of a second, so every command imports what it
needs when it runs. Help, version and usage errors need neither. `main` is there before any library
is imported, so that Ctrl-C is handled from then on.
"""

from ._main import main as main

TYPE_CHECKING = False  # as in `numerate`
if TYPE_CHECKING:
    from typing import Any

    from ._app import app as app


def __getattr__(name: str) -> "Any":
    if name == "app":
        from ._app import app

        return app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
