"""Who may ask: any well-formed pair of keys, or one configured pair only."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from typing import NamedTuple

from trimtab_simulator.core.refusals import Refusal, forbidden, unauthorized

KEY_HEADER = "APCA-API-KEY-ID"
SECRET_HEADER = "APCA-API-SECRET-KEY"

_WELL_FORMED = re.compile(r"[A-Za-z0-9_./+=-]{3,128}", re.ASCII)


class Pair(NamedTuple):
    """A key id and its secret."""

    key: str
    secret: str


class Keys:
    """The one pair that is known, or None where every well-formed pair is."""

    def __init__(self, known: Pair | None) -> None:
        self._known = known

    def refusal(self, key: object, secret: object) -> Refusal | None:
        """Why a pair is not accepted."""
        for part in (key, secret):
            if not isinstance(part, str) or not _WELL_FORMED.fullmatch(part):
                return unauthorized()
        if self._known is None:
            return None
        given, known = f"{key}:{secret}", ":".join(self._known)
        return None if hmac.compare_digest(given, known) else forbidden("forbidden.")

    def refusal_of(self, headers: Mapping[str, str]) -> Refusal | None:
        """The same for a request."""
        return self.refusal(headers.get(KEY_HEADER), headers.get(SECRET_HEADER))
