"""RILS-ROLS with its defaults, and the time as the only limit; its operators cannot be chosen."""

from rils_rols.rils_rols import RILSROLSRegressor  # pyright: ignore[reportMissingImports]
from serve import Table, serve


def answer(table: Table) -> str:
    model = RILSROLSRegressor(
        max_fit_calls=1_000_000_000,
        max_time=max(1, round(table.clock_seconds)),
        random_state=table.seed,
    )
    # SymPy simplifies in a thread that goes on after its two seconds, into the next table.
    model.call_model_symplify = lambda: None
    model.fit(table.x, table.y)
    return model.model


if __name__ == "__main__":
    serve(answer)
