"""Where assistants may be: public addresses, what the operator allows, and this machine for the command line alone."""

from __future__ import annotations

import asyncio
import datetime as dt

import msgspec
import pytest

from aurora.assistants.client import AssistantClient, UnreachableError
from aurora.assistants.endpoints import bearer, connect, connected, disconnect
from aurora.errors import DataError, NotFoundError, UsageError
from contracts.messages.commands import EndpointRequest

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


def wanted(settings, url: str, *, is_local: bool, secret: str | None = None):
    request = EndpointRequest(base_url=url, secret=secret)
    return connect(request, settings, assistant_id="clara", actor_id="owner", is_local=is_local, now=NOW)


def test_an_endpoint_is_kept_moved_and_forgotten(store, settings) -> None:
    for url in ("http://127.0.0.1:9001", "http://127.0.0.1:9002/"):
        _, (record, statements) = wanted(settings, url, is_local=True)
        store.append([record], statements=statements).result()
    assert connected(store)["clara"].base_url == "http://127.0.0.1:9002"
    record, statements = disconnect(store, "clara", actor_id="owner", now=NOW)
    store.append([record], statements=statements).result()
    assert connected(store) == {}
    with pytest.raises(NotFoundError):
        disconnect(store, "clara", actor_id="owner", now=NOW)
    kinds = [entry.kind for entry in store.after(0, limit=10)]
    assert kinds == ["assistant_connected", "assistant_connected", "assistant_disconnected"]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9001",
        "http://localhost:9001",
        "http://10.0.0.7",
        "http://169.254.169.254",
        "http://[::1]:9001",
        "http://[::ffff:10.0.0.7]",
        "http://0.0.0.0:9001",
    ],
)
def test_over_http_only_public_addresses_are_connected(settings, url: str) -> None:
    with pytest.raises(UsageError) as refused:
        wanted(settings, url, is_local=False)
    assert refused.value.rule == "public_address"
    assert "AURORA_ASSISTANTS_ALLOWED" in refused.value.next_step


def test_the_operator_may_allow_a_network(settings) -> None:
    allowing = msgspec.structs.replace(settings, assistants_allowed="10.0.0.0/24")
    assert wanted(allowing, "http://10.0.0.7", is_local=False)[0].base_url == "http://10.0.0.7"


def test_the_command_line_may_name_this_machine_and_no_other_private_one(settings) -> None:
    assert wanted(settings, "http://127.0.0.1:9001", is_local=True)[0].is_local
    with pytest.raises(UsageError):
        wanted(settings, "http://10.0.0.7", is_local=True)


@pytest.mark.parametrize("url", ["ftp://example.com", "http://user:word@example.com", "http://127.0.0.1:9001/?x=1"])
def test_what_is_no_base_of_addresses_is_refused(settings, url: str) -> None:
    with pytest.raises(UsageError):
        wanted(settings, url, is_local=True)


def test_a_secret_is_named_never_given(settings, paths) -> None:
    with pytest.raises(DataError):
        wanted(settings, "http://127.0.0.1:9001", is_local=True, secret="hunter2")
    by_name = wanted(settings, "http://127.0.0.1:9001", is_local=True, secret="env:ASSISTANT_CLARA")[0]
    assert bearer(by_name, paths, {"ASSISTANT_CLARA": " token \n"}) == "token"
    with pytest.raises(DataError):
        bearer(by_name, paths, {})
    by_file = wanted(settings, "http://127.0.0.1:9001", is_local=True, secret="file:clara")[0]
    (paths.directory / "secrets").mkdir()
    (paths.directory / "secrets" / "clara").write_text("other\n", encoding="utf-8")
    assert bearer(by_file, paths) == "other"


def test_the_rule_holds_again_for_each_connection(settings, paths, small) -> None:
    """An endpoint that was allowed when it was connected, and is not any more."""
    endpoint = wanted(settings, small("clara").url, is_local=True)[0]
    foreign = msgspec.structs.replace(endpoint, is_local=False)

    async def asked(one):
        async with AssistantClient(paths, settings) as client:
            return await client.status(one, timeout_s=5)

    assert asyncio.run(asked(endpoint)).assistant_id == "clara"
    by_name = msgspec.structs.replace(foreign, base_url=endpoint.base_url.replace("127.0.0.1", "localhost"))
    for one, error in ((foreign, UsageError), (by_name, UnreachableError)):
        with pytest.raises(error, match="not a public address"):
            asyncio.run(asked(one))


def test_no_connection_outlives_the_client(settings, paths, small) -> None:
    """A poll and a delivery that ask at once of an assistant that was moved, and one that asks after the end."""
    endpoint = wanted(settings, small("clara").url, is_local=True)[0]
    moved = msgspec.structs.replace(endpoint, base_url=small("clara").url)

    async def opened():
        async with AssistantClient(paths, settings) as client:
            found = [await client._session(endpoint)]
            await client.status(endpoint, timeout_s=5)
            found += await asyncio.gather(*[client._session(moved) for _ in range(3)])
        with pytest.raises(UnreachableError, match="stopping"):
            await client.status(moved, timeout_s=5)
        return found

    found = asyncio.run(opened())
    assert all(one.closed for one in found)
    assert len({id(one) for one in found}) == 2
