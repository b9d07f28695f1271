"""The group of all commands: it turns failures into words and exit codes."""

from __future__ import annotations

import json
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from trimtab.exit_codes import WRONG_USE
from trimtab.failure import Failure


class OwnersGroup(TyperGroup):
    """Commands raise Failure; here, and only here, the process's exit code comes of it."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]  # the same context
        as_json = "--json" in ctx.args
        try:
            return super().invoke(ctx)
        except Failure as failure:
            _tell(failure, as_json=as_json)
            raise typer.Exit(failure.code) from None
        except Exception as error:
            if not _is_config_error(error):
                raise
            advice = "Put it right, then look with `trimtab check-config`."
            _tell(Failure(WRONG_USE, str(error), advice), as_json=as_json)
            raise typer.Exit(WRONG_USE) from None


def _is_config_error(error: Exception) -> bool:
    """Whether it is about what the owner wrote; asked without importing what may be slow."""
    errors = sys.modules.get("trimtab_runtime.errors")
    return errors is not None and isinstance(error, errors.ConfigError)


def _tell(failure: Failure, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(failure.as_json()))
        return
    print(failure.text, file=sys.stderr)
    if failure.advice:
        print(failure.advice, file=sys.stderr)
