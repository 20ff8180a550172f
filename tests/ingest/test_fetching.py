"""The guard of outgoing requests: no address that is not public, however it is written."""

from __future__ import annotations

import ipaddress

import pytest

from aurora.errors import UsageError
from aurora.ingest.fetching import Guard, _is_public, fetch

GUARD = Guard(max_bytes=1000, timeout_s=1, deadline_s=1)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/",
        "http://localhost:9/",
        "http://[::1]:9/",
        "http://[::ffff:127.0.0.1]:9/",
        "http://[64:ff9b::a00:1]:9/",
        "http://[2002:7f00:1::]:9/",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/",
        "http://192.168.1.1/",
        "http://172.16.0.1/",
        "http://100.64.0.1/",
        "http://0.0.0.0/",
        "http://0/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://017700000001/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://[fd00::1]/",
        "http://[fe80::1]/",
    ],
)
def test_an_address_that_is_not_public_is_refused(url):
    with pytest.raises(UsageError) as refused:
        fetch(url, headers={}, guard=GUARD, sink=lambda _: None)
    assert refused.value.rule == "public_address"


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.com/",
        "gopher://127.0.0.1/",
        "http://",
        "//127.0.0.1/",
        "http://user:secret@example.com/",
        "http://example.com@127.0.0.1/",
        "http://example.com/a b",
        "http://example.com/\r\nHost: other",
        "http://example.com:99999/",
        "http://exämple.com/",
    ],
)
def test_what_is_no_plain_address_is_refused(url):
    with pytest.raises(UsageError) as refused:
        fetch(url, headers={}, guard=GUARD, sink=lambda _: None)
    assert refused.value.rule == "url"


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are_public(address):
    assert _is_public(ipaddress.ip_address(address))
