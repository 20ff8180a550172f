"""How records are matched and whose value survives: data of the pack, `packs/<name>/golden/<kind>.yaml`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
import polars as pl
from msgspec import Meta, Struct

from aurora.errors import NotFoundError
from aurora.packs import Share, Slug, read_declared
from aurora.packs.reading import wrong
from contracts import registry

EntityKind = Literal["party", "property"]
Strategy = Literal["most_trusted", "newest", "longest", "most_frequent"]
KINDS: Final[tuple[EntityKind, ...]] = ("party", "property")
MADE_UP: Final = ("sample_", "twin_")
"""A source of made-up exports is named after the system it plays, behind one of these."""
NAME: Final = "name"
"""In `evidence`: how alike the names sound; in `blocks`: the same sound."""
DERIVED: Final = frozenset({"name", "name_first", "name_last"})
ANY_SOURCE: Final = "*"


class Identifier(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A column whose equality proves that two records are one. Exclusive: two values prove that they are two."""

    is_exclusive: bool = False


class Weight(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Evidence in bits. What many records share speaks less: agreement counts as the value is rare, up to `agree`."""

    agree: Annotated[float, Meta(ge=0)]
    differ: Annotated[float, Meta(le=0)] = 0.0


class Block(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Records are held against each other only if they agree on all columns of a block.

    A value that more than `most` records share finds none: it tells too little, and costs the square.
    """

    equal: Annotated[tuple[Slug, ...], Meta(min_length=1)]
    most: Annotated[int, Meta(ge=2)] = 100


class Survivor(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose value a column takes. `trust` overrides the order of the whole; synced columns raise sync commands."""

    strategy: Strategy
    trust: tuple[Slug, ...] = ()
    is_synced: bool = False


class GoldenPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of golden record."""

    entity_kind: EntityKind
    names: Annotated[tuple[Slug, ...], Meta(min_length=1)]
    """Columns that hold a name; the first one is sorted by."""
    codes: tuple[Slug, ...] = ()
    """Columns whose case, spaces and signs mean nothing."""
    must_equal: tuple[Slug, ...] = ()
    """Records that differ here are never one."""
    identifiers: dict[Slug, Identifier]
    with_name: dict[Slug, Share] = {}
    """Columns whose equality proves it together with names that are at least so alike."""
    unless_differs: tuple[Slug, ...] = ()
    """Columns that take the proof away where they differ: relatives share telephones."""
    blocks: Annotated[tuple[Block, ...], Meta(min_length=1)]
    evidence: dict[Slug, Weight]
    same_source: Annotated[float, Meta(le=0)]
    """Bits against two records of one system: it would know them as one."""
    merge_at: Share
    review_at: Share
    """Between the two a person says."""
    trust: tuple[Slug, ...]
    survivors: dict[Slug, Survivor]

    @property
    def id_column(self) -> str:
        """The source's id of a record."""
        return f"{self.entity_kind}_id"

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the contract that matching reads."""
        used = [
            *self.names,
            *self.codes,
            *self.must_equal,
            *self.identifiers,
            *self.with_name,
            *self.unless_differs,
            *self.evidence,
        ]
        used += [column for block in self.blocks for column in block.equal]
        return tuple(dict.fromkeys(name for name in used if name not in DERIVED))


def load_policies(packs_dir: Path, pack: str) -> dict[EntityKind, GoldenPolicy]:
    """The pack's policies by kind; none for a pack without golden records. `DataError` names what is wrong."""
    folder = packs_dir / pack / "golden"
    found: dict[EntityKind, GoldenPolicy] = {}
    for file in sorted(folder.glob("*.yaml")):
        policy = read_declared(file, GoldenPolicy)
        _check(file, policy)
        found[policy.entity_kind] = policy
    return found


def policy_of(packs_dir: Path, pack: str, kind: str) -> GoldenPolicy:
    """The policy of one kind; `NotFoundError` names those there are."""
    policies = load_policies(packs_dir, pack)
    for name, policy in policies.items():
        if name == kind:
            return policy
    raise NotFoundError(
        f"There are no golden records of the kind {kind[:64]!r}.",
        field="kind",
        next_step=f"There are: {', '.join(policies) or 'none in this pack'}.",
    )


def _check(file: Path, policy: GoldenPolicy) -> None:
    known = {*registry.table(policy.entity_kind).columns, *DERIVED}
    unknown = sorted({*policy.columns, *policy.survivors} - known)
    problem = f"names {unknown[0]!r}, which is no column of {policy.entity_kind}" if unknown else ""
    if policy.entity_kind != file.stem:
        problem = f"is for {policy.entity_kind!r}, but the file is named {file.stem!r}"
    if policy.review_at > policy.merge_at:
        problem = "has review_at above merge_at"
    if problem:
        raise wrong(file, unknown[0] if unknown else "entity_kind", problem)


def survivor_rows(policies: dict[EntityKind, GoldenPolicy]) -> pl.DataFrame:
    """The survivorship rules as rows of `raw.survivor_rule`: one a column and source, and one for all others."""
    rows = [
        {
            "entity_kind": kind,
            "survivor_column": column,
            "trusted_source": source,
            "survivor_strategy": rule.strategy,
            "trust_rank": rank,
            "is_synced": rule.is_synced,
        }
        for kind, policy in policies.items()
        for column, rule in policy.survivors.items()
        for source, rank in _ranks(rule.trust or policy.trust)
    ]
    return pl.DataFrame(rows, schema=registry.polars_schema(registry.table("survivor_rule")))


def _ranks(trust: tuple[str, ...]) -> list[tuple[str, int]]:
    ranked = [(prefix + source, rank) for rank, source in enumerate(trust, start=1) for prefix in ("", *MADE_UP)]
    return [*ranked, (ANY_SOURCE, len(trust) + 1)]


def policies_text(policies: dict[EntityKind, GoldenPolicy]) -> str:
    """The policies as text, to tell whether they changed."""
    return msgspec.json.encode(policies, order="sorted").decode()
