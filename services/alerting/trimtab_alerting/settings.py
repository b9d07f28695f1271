"""What can be configured about alerting from outside: where messages go, and which hosts may be."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr, field_validator

from trimtab_alerting.core.addresses import networks
from trimtab_alerting.core.routes import Address, addresses
from trimtab_runtime.settings import RoomSettings

TOKEN_LENGTH_MIN = 6


class Settings(RoomSettings):
    """Alerting's settings; the rules are in config/alerts.yaml."""

    room: ClassVar[str] = "alerting"

    alert_urls: SecretStr | None = None
    """Apprise URLs, separated by spaces or lines, each with a name before it or none:
    `phone=ntfys://… mailtos://…`. They hold passwords and tokens."""
    alert_networks: str = ""
    """Networks that are not public and may be sent to all the same: `192.168.1.0/24`."""

    @field_validator("alert_urls")
    @classmethod
    def _can_be_read(cls, urls: SecretStr | None) -> SecretStr | None:
        addresses(urls.get_secret_value() if urls else "")
        return urls

    @field_validator("alert_networks")
    @classmethod
    def _are_networks(cls, text: str) -> str:
        try:
            networks(text)
        except ValueError:
            raise ValueError("networks such as 192.168.1.0/24, separated by commas") from None
        return text

    def targets(self) -> list[Address]:
        """Where messages go."""
        return addresses(self.alert_urls.get_secret_value() if self.alert_urls else "")

    def secrets(self) -> list[str]:
        """Every address, and every part of one that may be a token."""
        found = super().secrets()
        for address in self.targets():
            parts = urlsplit(address.url)
            tokens = [*parts.path.split("/"), parts.username, parts.password]
            tokens += [pair.partition("=")[2] for pair in parts.query.split("&")]
            if "." not in (parts.hostname or "."):
                tokens.append(parts.netloc.rpartition("@")[2])
            long = [token for token in tokens if token and len(token) >= TOKEN_LENGTH_MIN]
            found += [address.url, *long, *map(unquote, long)]
        return found
