"""Live trading needs a person's word: a file that names the account and when the word ends."""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

ARMED_MAX = timedelta(days=7)


class Arming(BaseModel):
    """What the file says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    account_number: str
    expires_at: AwareDatetime


def objection(written: bytes | None, account_number: str, now: datetime) -> str | None:
    """Why the file does not arm this account now, None if it does. `written` None: no file."""
    if written is None:
        return "live trading is not armed: there is no ARM file; `trimtab arm` writes it"
    try:
        arming = Arming.model_validate_json(written)
    except ValidationError as error:
        return f"the ARM file needs account_number and expires_at; {error.error_count()} errors"
    if arming.account_number != account_number:
        return f"the ARM file is for account {arming.account_number}, the keys for {account_number}"
    if now >= arming.expires_at:
        return f"the ARM file has expired at {arming.expires_at.isoformat()}"
    if arming.expires_at > now + ARMED_MAX:
        return f"the ARM file says {arming.expires_at.isoformat()}, {ARMED_MAX.days} days at most"
    return None
