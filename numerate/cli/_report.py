"""The report of a fit: formula, status, errors, constants and warnings."""

from typing import Any

from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from numerate._names import quoted

from ._console import print_table

_GOOD, _DOUBTFUL = "bold green", "bold yellow"
_MANY_FEATURES = 50
_STYLES = {"exact": _GOOD, "within_precision": _GOOD, "within_noise": _GOOD}


def print_report(console: Console, model: Any, stored: bool = False) -> None:
    """Prints the formula, its status and errors, and the formulas that were compared.

    `stored`: the model is from a file, whose status was not verified on a table.
    """
    report = model.report()
    _print_formula(console, model, report)
    console.print()
    print_table(console, _facts(model, report, stored))
    if len(report["equations"]) > 1:
        console.print()
        print_table(console, _pareto(model))


def relative(error: float | None) -> str:
    """A relative error as text, in per cent where that is short.

    !!! example
        >>> relative(0.0123), relative(2.2e-16), relative(None)
        ('1.2 %', '2.2e-16', 'unknown')
    """
    if error is None or error != error:
        return "unknown"
    return f"{100 * error:.2g} %" if 1e-4 <= error < 1 else f"{error:.2g}"


def _print_formula(console: Console, model: Any, report: dict) -> None:
    from numerate.formula import formula_text

    line = f"{quoted(report['target'])} = {formula_text(model.rounded())}"
    if not console.is_terminal:
        console.print(line, markup=False)
        return
    import sympy

    from numerate.formula import floats

    rounded = model.rounded()
    # SymPy prints as many digits as a number's precision has.
    short = {f: sympy.Float(float(f), _digits(float(f))) for f in floats(rounded)}
    drawn = sympy.pretty(
        sympy.Eq(sympy.Symbol(report["target"]), rounded.xreplace(short), evaluate=False),
        use_unicode=True,
        num_columns=max(40, console.width - 8),
    )
    console.print(
        Panel.fit(Text(drawn, "bold"), box=box.ROUNDED, padding=(1, 3), border_style="cyan")
    )
    console.print(Text(line, "dim"))


def _facts(model: Any, report: dict, stored: bool) -> Table:
    status = report["status"]
    shown = f"{status} (as stored)" if stored else status
    facts = Table.grid(padding=(0, 2))
    facts.add_row("status", Text(shown, _STYLES.get(status, _DOUBTFUL)))
    facts.add_row("", Text(model.meaning()))
    if report["noise"] and status != "within_precision":
        facts.add_row("noise", report["noise"]["sentence"].removeprefix("noise "))
    for index, value in enumerate(model.uncertainties()):
        facts.add_row("" if index else "constants", value)
    for sentence in report["remarks"]:
        facts.add_row("remark", sentence)
    facts.add_row("error", f"{relative(report['relative_rmse'])} on the rows fitted")
    facts.add_row("", f"{relative(report['holdout_relative_rmse'])} on rows held out")
    if report["worst_rows"]:
        facts.add_row("far off", _worst(report["worst_rows"]))
    facts.add_row("range", Text(_ranges(model)))
    facts.add_row("search", f"{report['seconds']:.1f} s, seed {report['seed']}")
    return facts


def _digits(number: float) -> int:
    mantissa = f"{number!r}".partition("e")[0]
    return max(1, len(mantissa.replace(".", "").lstrip("-0").rstrip("0")))


def _worst(rows: list[dict]) -> str:
    """The rows that deviate most, the first one with its deviation."""
    names = ", ".join(str(row["row"]) for row in rows)
    words = f"row{'s' * (len(rows) > 1)} {names}, up to {rows[0]['deviation']:.0f} deviations"
    left_out = sum(row["left_out"] for row in rows)
    return f"{words} ({left_out} left out)" if left_out else f"{words}; see --robust"


def _ranges(model: Any) -> str:
    """The ranges of all features, or of many those that the formula has."""
    names, (lowest, highest) = model.feature_names, model.training_range
    used = {symbol.name for symbol in model.formula.free_symbols}
    shown = [i for i, name in enumerate(names) if len(names) <= _MANY_FEATURES or name in used]
    more = [f"and {len(names) - len(shown)} features that are not used"]
    ranges = [f"{names[i]} {lowest[i]:.6g} … {highest[i]:.6g}" for i in shown]
    return ", ".join(ranges + more * (len(shown) < len(names)))


def _pareto(model: Any) -> Table:
    from numerate.formula import formula_text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("")
    table.add_column("complexity", justify="right")
    table.add_column("held-out error", justify="right")
    table.add_column("formula")
    rows = zip(model.formulas, model.equations, strict=True)
    for rank, (formula, equation) in enumerate(rows):
        table.add_row(
            "" if rank else "→",  # The chosen formula comes first.
            str(equation["complexity"]),
            relative(equation["holdout_relative_rmse"]),
            Text(formula_text(formula, digits=6)),
            style="" if rank else "bold",
        )
    return table
