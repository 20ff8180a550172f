"""The language models a tenant may use: `llms.yaml`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from aurora.packs.words import Line, Share, Slug, Usd
from contracts.messages.assistants import AssistantState
from contracts.messages.decisions import PrivacyClass


class Price(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Price of a language model, and the list it was taken from."""

    source: Slug
    input_usd_per_mtok: Usd
    output_usd_per_mtok: Usd


class LlmPrior(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is believed of a language model without a trained router."""

    quality: Share
    output_tokens: Annotated[float, Meta(ge=0)]
    duration_ms: Annotated[float, Meta(ge=0)]


class Llm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One language model the tenant may use, at one deployment."""

    candidate_id: Slug
    provider_name: Slug
    request_model: Line
    regions: tuple[Slug, ...]
    price: Price
    prior: LlmPrior
    compliance_levels: tuple[Slug, ...] = ()
    privacy_classes: tuple[PrivacyClass, ...] = ()
    state: AssistantState = "active"


class LlmsFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole of llms.yaml."""

    llms: Annotated[tuple[Llm, ...], Meta(min_length=1)]
