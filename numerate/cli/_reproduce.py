"""`numerate reproduce`: run an experiment or a benchmark."""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, get_args, get_origin, get_type_hints

import typer

from ._console import output, print_table, progress_bar, say, stop
from ._signals import name_of_signal

_SCALES = ("smoke", "quick", "paper")
_MOST_SEEDS = 1_000_000
_LARGEST = 2**31  # as JAX counts


def reproduce(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="The experiment; --list shows all."),
    ] = None,
    scale: Annotated[
        str,
        typer.Option(
            metavar="SCALE",
            help="smoke: does it run; quick: at most 20 minutes on 2 cores; paper: in full.",
        ),
    ] = "quick",
    seeds: Annotated[
        int | None, typer.Option(help="Seeds instead of the scale's number of them.")
    ] = None,
    units: Annotated[
        str | None,
        typer.Option(metavar="A,B,…", help="Run only these units and baselines; all by default."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            readable=False,
            help="Folder of the results; reproduced/NAME-SCALE if none.",
        ),
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SETTING=VALUE", help="Change a setting; may be repeated."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            readable=False,
            help="Folder with the files of MNIST, as NUMERATE_DATA is.",
        ),
    ] = None,
    as_list: Annotated[
        bool,
        typer.Option("--list", help="List the experiments, or the settings of NAME."),
    ] = False,
) -> None:
    """Run an experiment of the NALU's paper, or a benchmark, beside the published numbers.

    A run that was stopped continues when the same command is given again.
    """
    from numerate import bench, paper
    from numerate._errors import InputError

    experiments = paper.experiments() | bench.experiments()
    if name is None:
        if not as_list:
            raise InputError("name an experiment; numerate reproduce --list shows all.")
        _print_experiments(experiments)
        return
    found = experiments[name]
    settings = _settings(found, scale, seeds, values or [])
    if as_list:
        _print_one(found)
        return
    chosen = _units(found, units)
    if data is not None:
        from numerate.paper.digits import FOLDER_VARIABLE

        if not os.path.isdir(data):
            raise InputError(f"--data: there is no folder {str(data)!r}.")

        # Not a setting: the folder of the images differs between machines, and results do not
        # depend on it.
        os.environ[FOLDER_VARIABLE] = str(data)
    try:
        _run(found, settings, chosen, scale, out or Path("reproduced") / f"{name}-{scale}")
    except ValueError as error:
        if isinstance(error, InputError) or not values:
            raise
        # Each experiment has settings of its own, and units and tasks check theirs.
        raise InputError(f"--set: {name} cannot run with these settings: {error}.") from None


def _settings(experiment: Any, scale: str, seeds: int | None, values: list[str]) -> Any:
    from numerate._errors import InputError, did_you_mean

    if scale not in experiment.scales:
        raise InputError(
            f"--scale must be one of {', '.join(experiment.scales)}, not {scale!r}."
            f"{did_you_mean(scale, experiment.scales)}"
        )
    settings = experiment.scales[scale]
    names = [field.name for field in dataclasses.fields(settings)]
    changes: dict[str, Any] = {} if seeds is None else {"seeds": seeds}
    for text in values:
        field, equals, value = text.partition("=")
        if not equals or field not in names:
            raise InputError(
                f"--set must be SETTING=VALUE with one of {', '.join(names)}, not {text!r}."
            )
        if field == "units":
            changes[field] = _units(experiment, value)
        else:
            changes[field] = _read(field, value, getattr(settings, field), _known(settings, field))
    if not 0 < changes.get("seeds", 1) <= _MOST_SEEDS:
        found = changes["seeds"]
        raise InputError(f"--seeds must be at least 1 and at most {_MOST_SEEDS}, not {found}.")
    return dataclasses.replace(settings, **changes)


def _known(settings: Any, field: str) -> tuple[str, ...]:
    """The values of a setting whose type lists them."""
    kind = get_type_hints(type(settings))[field]
    kind = get_args(kind)[0] if get_origin(kind) is tuple else kind
    return get_args(kind) if get_origin(kind) is Literal else ()


def _read(field: str, text: str, like: Any, known: tuple[str, ...]) -> Any:
    """A setting's value from text, of the type that the scale's value has, or one of `known`."""
    from numerate._errors import InputError, did_you_mean

    if isinstance(like, tuple):
        kind = like[0] if like else ""
        return tuple(_read(field, part, kind, known) for part in text.split(","))
    if known and text not in known:
        raise InputError(
            f"--set {field} must be of {', '.join(known)}, not {text!r}.{did_you_mean(text, known)}"
        )
    if isinstance(like, bool):
        if text in ("true", "false"):
            return text == "true"
        raise InputError(f"--set {field} must be true or false, not {text!r}.")
    if not isinstance(like, int | float):
        return text
    try:
        value = type(like)(text)
    except ValueError:
        value = None
    if value is None or not 0 <= value < _LARGEST:
        kind = "a whole number" if isinstance(like, int) else "a number"
        raise InputError(
            f"--set {field} must be {kind} of at least 0 and below 2^31, not {text!r}."
        )
    return value


def _units(experiment: Any, units: str | None) -> tuple[str, ...]:
    from numerate._errors import InputError, did_you_mean, listed

    if units is None:
        return experiment.units
    parts, names = [part.strip() for part in units.split(",")], []
    while parts:
        # Names such as "NAC, summed" have commas of their own.
        length = next(
            (n for n in range(len(parts), 0, -1) if ", ".join(parts[:n]) in experiment.units), 0
        )
        if not length:
            name = parts[0]
            raise InputError(
                f"{experiment.name} has no unit {name!r}.{did_you_mean(name, experiment.units)} "
                f"Its units are {listed(experiment.units, most=40)}."
            )
        names.append(", ".join(parts[:length]))
        parts = parts[length:]
    return tuple(unit for unit in experiment.units if unit in names)


def _run(experiment: Any, settings: Any, units: tuple[str, ...], scale: str, out: Path) -> None:
    from numerate.study import reproduce as run

    try:
        with progress_bar() as on_progress:
            result = run(
                experiment,
                settings,
                out,
                scale=scale,
                units=units,
                on_progress=on_progress,
            )
    except KeyboardInterrupt:  # while tables and figures were written
        _stopped()
    for note in result.notes:
        say(note, "warning")
    for title, table in result.tables.items():
        _print_table(title, table)
    if result.files:
        output().print("Written: " + ", ".join(map(str, result.files)), markup=False)
    if not result.complete:
        _stopped()


def _stopped() -> NoReturn:
    stop(
        f"stopped by {name_of_signal()}; what is done is kept, and the same command goes on.",
        "warning",
    )


def _print_table(title: str, table: Any) -> None:
    from rich import box
    from rich.table import Table

    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    head, *rows = table.cells()
    for index, name in enumerate(head):
        shown.add_column(name, justify="left" if index < len(table.heads) else "right")
    for row in rows:
        shown.add_row(*row)
    console = output()
    console.print(title, markup=False, style="bold")
    print_table(console, shown)
    console.print()


def _print_experiments(found: Mapping[str, Any]) -> None:
    console = output()
    for name, experiment in found.items():
        console.print(f"[bold]{name}[/bold]  ", end="")
        console.print(experiment.title, markup=False)
        console.print(f"  Claim: {experiment.claim}", markup=False)
        costs = [f"{scale} {_cost(experiment, scale)}" for scale in experiment.scales]
        console.print(f"  Takes: {', '.join(costs)}.", markup=False)
        console.print()


def _print_one(experiment: Any) -> None:
    _print_experiments({experiment.name: experiment})
    console = output()
    console.print(f"  Units: {', '.join(experiment.units)}", markup=False)
    console.print("  Settings, at " + ", ".join(experiment.scales), markup=False)
    for field, meaning in experiment.help().items():
        values = [str(getattr(settings, field)) for settings in experiment.scales.values()]
        console.print(f"    {field} ({' / '.join(values)}): {meaning}", markup=False)


def _cost(experiment: Any, scale: str) -> str:
    """The measured time in words."""
    seconds = experiment.cost.get(scale)
    if seconds is None:
        return "not measured"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
