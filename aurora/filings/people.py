"""Who may approve: people. An assistant may prepare a draft, and never say yes to one."""

from __future__ import annotations

from typing import Final

from aurora.errors import PermissionDeniedError
from aurora.identity.keys import Identity
from aurora.store.lake import LakeReader

OWNER: Final = "owner"
"""The person on whose machine Aurora runs."""
PERSON: Final = "person:"


def require_person(lake: LakeReader, identity: Identity) -> None:
    """`PermissionDeniedError` unless the actor is known as a person.

    Known are the owner, actors named `person:<name>`, and principals of the lake that are active persons. Whatever the
    lake or the fleet knows as an assistant, service, or a person who left, is none.
    """
    actor = identity.actor_id
    said = lake.query(
        "SELECT principal_kind, principal_state FROM raw.principal WHERE principal_id IN (?, ?)"
        " QUALIFY row_number() OVER (PARTITION BY principal_id ORDER BY updated_at DESC) = 1",
        [actor, actor.removeprefix(PERSON)],
    ).to_dicts()
    fleet = lake.query(
        "SELECT 1 AS is_one FROM raw.assistant WHERE assistant_id IN (?, ?)", [actor, actor.rpartition(":")[2]]
    )
    is_named = actor == OWNER or actor.startswith(PERSON)
    is_known = any(one["principal_kind"] == "person" for one in said)
    is_other = any(one["principal_kind"] != "person" or one["principal_state"] != "active" for one in said)
    if fleet.height or is_other or not (is_named or is_known):
        raise PermissionDeniedError(
            f"{actor} may not approve: only people may.",
            field="Authorization",
            rule="person",
            next_step="Ask a person; `aurora key create person:<name> --scope filing:approve` makes a key for one.",
        )
