"""What a pack says of its industry: `pack.yaml`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from aurora.packs.words import Line, Slug


class TaskType(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of work. Acting work changes something: it sends, books, files or publishes."""

    meaning: Line
    is_acting: bool
    compliance_levels: tuple[Slug, ...] = ()
    """Regimes the work falls under, whatever the request says."""


class TenantPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a tenant of this pack may process personal data."""

    allowed_regions: Annotated[tuple[Slug, ...], Meta(min_length=1)]


class PackFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole of pack.yaml."""

    pack: Slug
    title: Line
    version: Line
    tenant: TenantPolicy
    compliance_levels: dict[Slug, Line]
    task_types: dict[Slug, TaskType]
