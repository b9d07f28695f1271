"""Whether the broker knows us."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.alpaca_account import LIVE_URL, PAPER_URL, KeysRefused, Unreachable, ask_alpaca
from trimtab.doctor.finding import Finding, fail, ok, warn
from trimtab.place import CommandSettings
from trimtab_runtime.settings import Mode

CLOCK_SECONDS_MAX = 2.0
ACTIVE = "ACTIVE"


def keys(settings: CommandSettings, mode: Mode) -> Iterator[Finding]:
    if mode is Mode.SIM:
        yield ok("keys", "none needed in sim mode")
        return
    if settings.alpaca_key_id is None or settings.alpaca_secret_key is None:
        advice = "`trimtab init` asks for them; or set APCA_API_KEY_ID and APCA_API_SECRET_KEY."
        yield fail("keys", f"mode {mode.value} needs Alpaca's keys, and there are none", advice)
        return
    url = PAPER_URL if mode is Mode.PAPER else LIVE_URL
    try:
        account = ask_alpaca(
            url,
            settings.alpaca_key_id.get_secret_value(),
            settings.alpaca_secret_key.get_secret_value(),
        )
    except KeysRefused as refused:
        advice = f"Paper and live have different keys: these are not {mode.value} keys."
        yield fail("keys", f"refused: {refused}", advice)
        return
    except Unreachable as silent:
        yield warn("keys", f"not checked: {silent}", "Look at the network, then ask again.")
        return
    if account.status != ACTIVE:
        yield fail("keys", f"account {account.number} is {account.status}", "Ask Alpaca why.")
    else:
        yield ok("keys", f"account {account.number}, equity {account.equity}")
    skew = account.clock_behind_seconds
    # The broker's answer has whole seconds, so one second is no difference.
    if abs(skew) > CLOCK_SECONDS_MAX + 1:
        where = "behind" if skew > 0 else "ahead of"
        advice = "timedatectl set-ntp true"
        yield warn("clock", f"{abs(skew):.0f} s {where} the broker's", advice)
