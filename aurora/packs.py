"""Industry packs: the assistants, language models, rules and policies a tenant is made from.

Reads `packs/<name>/` and checks it as a whole: a wrong key, a duplicate or a name that points nowhere
fails with the file and the field. What the declarations mean (compiling a rule, choosing by a policy)
belongs to `aurora.compliance` and `aurora.decisions`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
import yaml
from msgspec import Meta, Struct

from aurora.errors import DataError, NotFoundError
from contracts.messages.assistants import AssistantState, ControlLevel
from contracts.messages.decisions import DecisionKind, PrivacyClass

Slug = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_.\-]{0,63}$")]
Line = Annotated[str, Meta(min_length=1, max_length=400)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Usd = Annotated[Decimal, Meta(description="US dollars, not negative")]


PROTOCOL_EXPORTS = ("assistant_status", "conversation", "handoff", "task", "usage")
"""Contracts that every assistant exports."""


class AssistantPrior(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is believed of an assistant before there is history."""

    success_share: Share
    duration_ms: Annotated[float, Meta(ge=0)]


class Parameter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A parameter of an assistant that may be tuned within bounds."""

    meaning: Line
    value: float
    """What it is unless it was tuned."""
    minimum: float
    maximum: float
    max_step: Annotated[float, Meta(gt=0)]
    """Most that one tune command may change it by."""


class Thresholds(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Beyond these an assistant counts as degraded, and whoever watches it is told."""

    min_uptime_share: Share = 0.995
    max_error_share: Share = 0.05
    max_latency_p95_ms: Annotated[float, Meta(gt=0)] = 10_000.0
    max_open_share: Annotated[float, Meta(gt=0)] = 1.0
    """Open tasks as a share of capacity."""


class Assistant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One assistant of the fleet. `skills` are task types; `regions` say where it runs."""

    assistant_id: Slug
    assistant_name: Line
    role: Line
    priority: Literal["critical", "high", "medium", "low"]
    control_level: ControlLevel
    skills: Annotated[tuple[Slug, ...], Meta(min_length=1)]
    capacity_count: Annotated[int, Meta(ge=0)]
    cost_per_task_usd: Usd
    regions: tuple[Slug, ...]
    prior: AssistantPrior
    description: str = ""
    exposed_data: tuple[Line, ...] = ()
    exports: tuple[Slug, ...] = ()
    """Contracts whose rows it exports, besides those that every assistant does (`PROTOCOL_EXPORTS`)."""
    compliance_levels: tuple[Slug, ...] = ()
    privacy_classes: tuple[PrivacyClass, ...] = ()
    """Classes of data it is cleared for."""
    backup_assistant_id: Slug | None = None
    is_sample: bool = False
    assistant_state: AssistantState = "active"
    depends_on: tuple[Slug, ...] = ()
    """Assistants without which it cannot do its work."""
    parameters: dict[Slug, Parameter] = {}
    """What Aurora may tune, and how far."""
    thresholds: Thresholds = Thresholds()


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


class RuleExample(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A record and the verdict the rule must give on it; a field left out is unknown (NULL)."""

    expect: Literal["pass", "fail", "unknown"]
    request: dict[str, Any] = {}
    candidate: dict[str, Any] = {}
    tenant: dict[str, Any] = {}


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule: a condition in SQL that is true of what it forbids."""

    rule_id: Slug
    title: Line
    authority: Line
    source: Line
    article: Line
    jurisdiction: Line
    provenance: Line
    """How sure the source is: S seen, S1 seen once, K general knowledge (to be verified), A/B the plans."""
    effective_from: dt.date
    severity: Literal["critical", "high", "medium", "low"]
    applies_to: Annotated[tuple[DecisionKind, ...], Meta(min_length=1)]
    violates_when: Annotated[str, Meta(min_length=1, max_length=2000)]
    reason: Line
    """What a person reads when the rule forbids a candidate."""
    remediation: Line
    examples: Annotated[tuple[RuleExample, ...], Meta(min_length=2)]
    effective_to: dt.date | None = None
    """First day it no longer holds."""


class TaskType(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of work. Acting work changes something: it sends, books, files or publishes."""

    meaning: Line
    is_acting: bool
    compliance_levels: tuple[Slug, ...] = ()
    """Regimes the work falls under, whatever the request says."""


class TenantPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a tenant of this pack may process personal data."""

    allowed_regions: Annotated[tuple[Slug, ...], Meta(min_length=1)]


class PolicyChoice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The policy of one decision kind, and the one used when its bundle is absent."""

    policy: Slug
    fallback: Slug | None = None


class PolicySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one policy is run."""

    epsilon: Annotated[float, Meta(ge=0.0, le=0.5)] = 0.0
    """Share of decisions spent on exploring admissible candidates."""
    min_confidence: Share = 0.0
    """Below it the decision goes to a person."""
    parameters: dict[str, float] = {}


class Policies(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole of policies.yaml."""

    kinds: dict[DecisionKind, PolicyChoice]
    policies: dict[Slug, PolicySettings]


class _PackFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pack: Slug
    title: Line
    version: Line
    tenant: TenantPolicy
    compliance_levels: dict[Slug, Line]
    task_types: dict[Slug, TaskType]


class _LlmsFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    llms: Annotated[tuple[Llm, ...], Meta(min_length=1)]


class Pack(Struct, frozen=True, kw_only=True):
    """One industry pack, checked. Assistants and rules are in the order of their ids."""

    name: str
    title: str
    version: str
    tenant: TenantPolicy
    compliance_levels: dict[str, str]
    task_types: dict[str, TaskType]
    assistants: tuple[Assistant, ...]
    llms: tuple[Llm, ...]
    rules: tuple[Rule, ...]
    policies: Policies


T = TypeVar("T")


def load_pack(packs_dir: Path, name: str) -> Pack:
    """The pack in `packs_dir/name`. `NotFoundError` without one; `DataError` names the file and field that is wrong."""
    folder = packs_dir / name
    if name not in list_packs(packs_dir):
        raise _no_pack(packs_dir, name)
    declared = read_declared(folder / "pack.yaml", _PackFile)
    pack = Pack(
        name=declared.pack,
        title=declared.title,
        version=declared.version,
        tenant=declared.tenant,
        compliance_levels=declared.compliance_levels,
        task_types=declared.task_types,
        assistants=_read_folder(folder / "assistants", Assistant, key="assistant_id"),
        llms=read_declared(folder / "llms.yaml", _LlmsFile).llms,
        rules=_read_folder(folder / "compliance", Rule, key="rule_id"),
        policies=read_declared(folder / "policies.yaml", Policies),
    )
    if pack.name != name:
        raise _wrong(folder / "pack.yaml", "pack", f"is {pack.name!r}, but the folder is {name!r}")
    _check_references(folder, pack)
    return pack


def tenant_policy(packs_dir: Path, name: str) -> TenantPolicy:
    """Where tenants of that pack may keep data: its head alone is read. Errors: as `load_pack`."""
    if name not in list_packs(packs_dir):
        raise _no_pack(packs_dir, name)
    return read_declared(packs_dir / name / "pack.yaml", _PackFile).tenant


def list_packs(packs_dir: Path) -> list[str]:
    """Names of the packs there are, sorted."""
    return sorted(file.parent.name for file in packs_dir.glob("*/pack.yaml"))


def pack_files(packs_dir: Path, name: str) -> list[Path]:
    """Every file the pack is read from, sorted: what a poller watches."""
    return sorted((packs_dir / name).rglob("*.yaml"))


def _no_pack(packs_dir: Path, name: str) -> NotFoundError:
    return NotFoundError(
        f"There is no pack named {name[:80]!r} in {packs_dir}.",
        field="pack",
        next_step=f"There are: {', '.join(list_packs(packs_dir)) or 'none'}.",
    )


def _check_references(folder: Path, pack: Pack) -> None:
    assistants = {assistant.assistant_id for assistant in pack.assistants}
    for assistant in pack.assistants:
        file = folder / "assistants" / f"{assistant.assistant_id}.yaml"
        _known(file, "skills", assistant.skills, pack.task_types)
        _known(file, "compliance_levels", assistant.compliance_levels, pack.compliance_levels)
        if assistant.backup_assistant_id is not None:
            _known(file, "backup_assistant_id", [assistant.backup_assistant_id], assistants - {assistant.assistant_id})
        _not_negative(file, "cost_per_task_usd", assistant.cost_per_task_usd)
    for name, task_type in pack.task_types.items():
        _known(
            folder / "pack.yaml",
            f"task_types.{name}.compliance_levels",
            task_type.compliance_levels,
            pack.compliance_levels,
        )
    _check_llms(folder / "llms.yaml", pack)
    for kind, choice in pack.policies.kinds.items():
        chosen = [choice.policy] if choice.fallback is None else [choice.policy, choice.fallback]
        _known(folder / "policies.yaml", f"kinds.{kind}", chosen, pack.policies.policies)


def _check_llms(file: Path, pack: Pack) -> None:
    seen: set[str] = set()
    for llm in pack.llms:
        if llm.candidate_id in seen:
            raise _wrong(file, "candidate_id", f"{llm.candidate_id!r} stands twice")
        seen.add(llm.candidate_id)
        _known(file, f"{llm.candidate_id}.compliance_levels", llm.compliance_levels, pack.compliance_levels)
        for price in ("input_usd_per_mtok", "output_usd_per_mtok"):
            _not_negative(file, f"{llm.candidate_id}.price.{price}", getattr(llm.price, price))


def _known(file: Path, field: str, names: Iterable[str], known: Iterable[str]) -> None:
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise _wrong(file, field, f"names {unknown[0]!r}, which is not declared")


def _not_negative(file: Path, field: str, amount: Decimal) -> None:
    if not amount.is_finite() or amount < 0:
        raise _wrong(file, field, f"is {amount}, which is not an amount of at least 0")


def _read_folder(folder: Path, kind: type[T], *, key: str) -> tuple[T, ...]:
    found = []
    for file in sorted(folder.glob("*.yaml")):
        declared = read_declared(file, kind)
        if getattr(declared, key) != file.stem:
            raise _wrong(file, key, f"is {getattr(declared, key)!r}, but the file is named {file.stem!r}")
        found.append(declared)
    return tuple(found)


def read_declared(file: Path, kind: type[T]) -> T:
    """One file of a pack, checked; `DataError` names the file and field that is wrong."""
    try:
        # S506: _StrictLoader is a SafeLoader
        raw = yaml.load(file.read_text(encoding="utf-8"), Loader=_StrictLoader)  # noqa: S506
        return msgspec.convert(raw, kind)
    except FileNotFoundError:
        raise _wrong(file, "", "is missing") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _wrong(file, "", f"is not readable as YAML: {error}") from error
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at `")
        field = where.rstrip("`").removeprefix("$.").removeprefix("$")
        raise _wrong(file, field, f"does not fit: {message}") from error


def _wrong(file: Path, field: str, problem: str) -> DataError:
    place = f"{file.parent.parent.name}/{file.parent.name}/{file.name}"
    subject = f"{place}, field {field}," if field else place
    return DataError(
        f"{subject} {problem}.",
        field=field or place,
        rule="pack",
        next_step="Correct the file and load the pack again.",
    )


class _StrictLoader(yaml.SafeLoader):
    """YAML in which a key may stand only once; PyYAML silently keeps the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        keys: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in keys:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", key_node.start_mark
                )
            keys.add(key)
        return super().construct_mapping(node, deep=deep)
