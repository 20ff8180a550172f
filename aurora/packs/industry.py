"""What a pack says of its industry: `pack.yaml`."""

from __future__ import annotations

from typing import Annotated, Literal

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


class Benchmark(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A figure the industry is measured against, and where it comes from."""

    meaning: Line
    value: float
    unit: Line
    better: Literal["higher", "lower"]
    basis: Literal["published", "plan", "assumption"]
    """Published by the source, a target of the owner's plan, or a working assumption that wants replacing."""
    source: Line
    provenance: Literal["S", "S1", "K"] | None = None
    """How sure a published source is, in the words of rules: S seen, S1 seen once, K still to be verified."""


class IndustryProfile(Struct, frozen=True, kw_only=True):
    """The industry as the Auterity plan speaks of it (IndustryProfile): what generators and templates are given."""

    industry: str
    compliance_requirements: tuple[str, ...]
    terminology: dict[str, str]
    workflow_templates: tuple[str, ...]
    security_level: str


class PackFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole of pack.yaml."""

    pack: Slug
    title: Line
    version: Line
    tenant: TenantPolicy
    compliance_levels: dict[Slug, Line]
    security_level: Slug
    """The regime that whoever sees personal data must be cleared for."""
    compliance_requirements: tuple[Slug, ...]
    """Rules that a workflow made for this industry must keep."""
    terminology: dict[Slug, Line]
    roles: Annotated[dict[Slug, Line], Meta(min_length=1)]
    """People whom workflows ask and tell."""
    benchmarks: dict[Slug, Benchmark]
    task_types: dict[Slug, TaskType]
