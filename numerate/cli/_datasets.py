"""`numerate datasets`: list the embedded data sets."""

from ._console import output


def datasets() -> None:
    """List the embedded data sets, with their sources."""
    from rich.markup import escape

    from numerate.tables import datasets as embedded

    console = output()
    for name, dataset in embedded().items():
        console.print(f"[bold]{name}[/bold]  {escape(dataset.title)}")
        for column, meaning in dataset.columns.items():
            target = " (target)" if column == dataset.target else ""
            console.print(f"  {column}: {meaning}{target}", markup=False)
        console.print(f"  {dataset.law}", markup=False)
        console.print(f"  Source: {dataset.source}.", markup=False)
        console.print()
