"""Which network addresses a message may be sent to: public ones, and those the owner allows."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

# What is translated to IPv4 on its way is judged as what it becomes.
_TRANSLATED = IPv6Network("64:ff9b::/96")


def networks(text: str) -> tuple[Network, ...]:
    """Read `192.168.1.0/24,127.0.0.1`; raises ValueError.

    >>> [str(network) for network in networks("127.0.0.1, 10.0.0.0/8")]
    ['127.0.0.1/32', '10.0.0.0/8']
    """
    return tuple(ip_network(part) for part in text.replace(",", " ").split())


def complaint(host: object, *, encrypted: bool, allowed: Sequence[Network]) -> str | None:
    """Why nothing may be sent to an address, at the moment of connecting; None if it may.

    Only encrypted messages may go to public addresses; allowed networks take both kinds.
    """
    try:
        address = ip_address(str(host).partition("%")[0])
    except ValueError:
        return "it is no internet address"
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if any(address in network for network in allowed if network.version == address.version):
        return None
    if not all(map(_is_public, _meant(address))):
        return f"{address} is not a public address (TRIMTAB_ALERT_NETWORKS can allow it)"
    if not encrypted:
        return "it would be sent unencrypted; use the address's encrypted form, such as jsons://"
    return None


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    is_local = isinstance(address, IPv6Address) and address.is_site_local
    return address.is_global and not address.is_multicast and not is_local


def _meant(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """The address, and every IPv4 address that hides in it."""
    if isinstance(address, IPv4Address):
        return [address]
    if address in _TRANSLATED:
        return [IPv4Address(int(address) & 0xFFFF_FFFF)]
    hidden = [address.sixtofour, *(address.teredo or ())]
    return [address, *(each for each in hidden if each is not None)]
