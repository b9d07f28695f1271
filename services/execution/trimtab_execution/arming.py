"""Live trading needs a person's word: a file that names the account and when the word ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from trimtab_runtime.errors import ConfigError, Problem

ARMED_MAX = timedelta(days=7)


class Arming(BaseModel):
    """What the file says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    account_number: str
    expires_at: AwareDatetime


def check_armed(path: Path, account_number: str, now: datetime) -> None:
    """Raise ConfigError unless the file arms exactly this account, now and for a week at most."""
    try:
        arming = Arming.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise _refused(path, "the file that arms live trading", "no such file") from None
    except ValidationError as error:
        expected = "account_number and expires_at as JSON"
        raise _refused(path, expected, f"{error.error_count()} errors in it") from None
    if arming.account_number != account_number:
        expected = f"account {account_number}, to which the keys belong"
        raise _refused(path, expected, arming.account_number)
    if not now < arming.expires_at <= now + ARMED_MAX:
        expected = f"a time after now and within {ARMED_MAX.days} days"
        raise _refused(path, expected, arming.expires_at.isoformat())


def _refused(path: Path, expected: str, found: str) -> ConfigError:
    return ConfigError([Problem(place=str(path), key="arming", expected=expected, found=found)])
