"""`numerate data`: download the data that experiments need."""

from pathlib import Path
from typing import Annotated

import typer

from ._console import output, say

data = typer.Typer(
    name="data",
    help="Download the data that experiments need.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@data.command()
def mnist(
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            readable=False,
            help="Folder of the files; one in the user's cache if none.",
        ),
    ] = None,
) -> None:
    """Download MNIST, 12 MB, from public mirrors, and verify it.

    Experiments look in the cache, or in the folder that --data or NUMERATE_DATA names.
    """
    from numerate.paper.digits import download_mnist

    folder = download_mnist(out, note=say)
    output().print(f"MNIST is in {folder}", markup=False)


@data.callback()
def _data() -> None:
    """Makes `mnist` a subcommand although it is the only one."""
