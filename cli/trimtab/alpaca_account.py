"""Asks Alpaca once who these keys belong to, and what time it is there."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

PAPER_URL = "https://paper-api.alpaca.markets"
LIVE_URL = "https://api.alpaca.markets"
PATIENCE_SECONDS = 10.0
REFUSED = (401, 403)


class KeysRefused(Exception):
    """Alpaca knows no account for these keys here."""


class Unreachable(Exception):
    """No answer; nothing can be said about the keys."""


@dataclass(frozen=True)
class Account:
    """What Alpaca says."""

    number: str
    status: str
    equity: str
    clock_behind_seconds: float
    """How far our clock is behind theirs; negative: ahead."""


def ask_alpaca(url: str, key_id: str, secret_key: str) -> Account:
    """The account of the keys. Raises KeysRefused or Unreachable."""
    request = urllib.request.Request(
        f"{url}/v2/account",
        headers={"APCA-API-KEY-ID": key_id, "APCA-API-SECRET-KEY": secret_key},
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as response:
            said = json.loads(response.read())
            at = parsedate_to_datetime(response.headers["Date"])
    except urllib.error.HTTPError as error:
        if error.code in REFUSED:
            raise KeysRefused(f"{url} answered {error.code}") from None
        raise Unreachable(f"{url} answered {error.code}") from None
    except (OSError, ValueError, TypeError) as error:
        raise Unreachable(f"{url}: {getattr(error, 'reason', error)}") from None
    return Account(
        number=str(said.get("account_number", "")),
        status=str(said.get("status", "")),
        equity=str(said.get("equity", "")),
        clock_behind_seconds=(at - datetime.now(UTC)).total_seconds(),
    )
