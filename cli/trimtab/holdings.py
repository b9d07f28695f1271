"""`positions`: what risk's books hold, in all and by strategy."""

from __future__ import annotations

from pathlib import Path

from trimtab import show
from trimtab.containers import state_of
from trimtab.failure import not_running
from trimtab.money_words import amount, number, quantity
from trimtab.place import read_settings
from trimtab.status import account_of


def show_positions(*, home: Path | None, as_json: bool) -> None:
    """Ask the room risk; nobody else knows what belongs to which strategy."""
    settings = read_settings(home)
    status = state_of(settings)
    if status is None:
        raise not_running(f"Nothing runs in {settings.home}.")
    account = account_of(status)
    if account is None:
        raise not_running(
            "The room risk does not answer.", "`trimtab status` and `trimtab logs risk` say why."
        )
    held = {
        symbol: each for symbol, each in account["positions"].items() if number(each["quantity"])
    }
    names = ("equity", "cash", "settled_cash", "state", "row")
    content = {**{name: account.get(name) for name in names}, "positions": held}
    if as_json:
        show.result({**content, "strategies": account.get("strategies", {})}, as_json=True)
        return
    print(f"equity {amount(account['equity'])}  cash {amount(account['cash'])}")
    if not held:
        print("Nothing is held.")
        return
    columns = ("symbol", "quantity", "cost", "last", "value", "gain")
    rows = [
        (
            symbol,
            quantity(each["quantity"]),
            amount(each["average_cost"]),
            amount(each["mark"]),
            amount(each["value"]),
            amount(each["unrealised"]),
        )
        for symbol, each in held.items()
    ]
    show.table(columns, rows, right=columns[1:])
