"""Which hosts a message may be sent to."""

from __future__ import annotations

import pytest

from trimtab_alerting.core.addresses import complaint, networks

PUBLIC = ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1"]
NOT_PUBLIC = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1",
    "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::", "fec0::1",
]  # fmt: skip


@pytest.mark.parametrize("host", PUBLIC)
def test_public_addresses_take_encrypted_messages_only(host):
    assert complaint(host, encrypted=True, allowed=()) is None
    assert "unencrypted" in (complaint(host, encrypted=False, allowed=()) or "")


@pytest.mark.parametrize("host", NOT_PUBLIC)
def test_other_addresses_take_nothing(host):
    assert complaint(host, encrypted=True, allowed=()) is not None


@pytest.mark.parametrize("host", ["localhost", "example.com", "/run/socket", "", None, b"1.1.1.1"])
def test_what_is_no_address_takes_nothing(host):
    assert complaint(host, encrypted=True, allowed=()) is not None


def test_a_network_that_is_allowed_takes_both():
    allowed = networks("127.0.0.0/8, fd00::/8")
    for host in ("127.0.0.1", "::ffff:127.0.0.1", "fd00::7"):
        assert complaint(host, encrypted=False, allowed=allowed) is None
    assert complaint("10.0.0.1", encrypted=True, allowed=allowed) is not None
