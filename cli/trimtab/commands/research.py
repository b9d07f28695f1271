"""Commands that check strategies and the system itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trimtab.options import ConfigFolder, Json


def lookahead(
    strategy: Annotated[
        str,
        typer.Argument(
            help="A name in strategies.yaml, a built-in one, or path/to/file.py:ClassName.",
            metavar="STRATEGY",
        ),
    ],
    seed: Annotated[int, typer.Option("--seed", help="Of the random cuts.", min=0)] = 7,
    config: ConfigFolder = None,
    json: Json = False,
) -> None:
    """Prove that a strategy uses no future and can resume."""
    from trimtab.lookahead import check_strategy

    check_strategy(strategy, seed=seed, config=config, as_json=json)


def parity(
    data: Annotated[
        Path | None, typer.Option("--data", help="Parquet or CSV file; none: a generated market.")
    ] = None,
    rows: Annotated[
        int | None, typer.Option("--rows", help="Only so many rows of it.", min=1)
    ] = None,
    symbols: Annotated[
        str | None, typer.Option("--symbols", help="Only these, with commas.")
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", help="Of the market, the batch sizes and the kills.", min=0)
    ] = 1,
    kills: Annotated[
        int, typer.Option("--kills", help="So many rooms are killed on the way.", min=0)
    ] = 1,
    live_config: Annotated[
        Path | None,
        typer.Option(
            "--live-config",
            help="Another configuration for the rooms alone; a difference must then be found.",
        ),
    ] = None,
    config: ConfigFolder = None,
    json: Json = False,
) -> None:
    """Prove that the live rooms decide what a backtest decides."""
    from trimtab.parity.run import Asked, run_parity

    asked = Asked(
        data=data,
        rows=rows,
        symbols=symbols,
        seed=seed,
        kills=kills,
        config=config,
        live_config=live_config,
        as_json=json,
    )
    raise typer.Exit(run_parity(asked))


def docs(json: Json = False) -> None:
    """Write the generated references anew."""
    from trimtab.docs import PAGES, write
    from trimtab.show import result

    lines = [
        f"{page} is written." if write(Path(page), text()) else f"{page} was true already."
        for page, text in PAGES.items()
    ]
    result({"pages": list(PAGES)}, as_json=json, lines=lines)
