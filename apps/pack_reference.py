"""The reference pages of packs and of workflow definitions, generated from the packs and the schema."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from aurora.packs import Pack, list_packs, load_pack
from aurora.settings import PROJECT_DIR
from contracts.messages import workflows

PARTS = (
    workflows.Workflow,
    workflows.Variable,
    workflows.Escalation,
    workflows.Retry,
    workflows.Branch,
    workflows.Requirement,
)
STEPS = (
    workflows.CommandStep,
    workflows.DecisionStep,
    workflows.AiStep,
    workflows.WaitStep,
    workflows.ApprovalStep,
    workflows.CheckpointStep,
    workflows.CompensationStep,
)


def pack_pages() -> dict[Path, str]:
    """Both pages: path below the project, and text."""
    return {Path("docs/reference/packs.md"): packs_page(), Path("docs/reference/workflows.md"): workflows_page()}


def packs_page() -> str:
    """Each pack with its profile, fleet, rules, workflows and benchmarks."""
    folder = PROJECT_DIR / "packs"
    lines = [
        "# Industry packs",
        "",
        "What a tenant is made from: `AURORA_PACK=<name>`. `aurora pack show NAME` prints one, `aurora pack check` holds",
        "it to the suite, and [Add an industry](../how-to/add-an-industry.md) makes a new one.",
        "",
    ]
    for name in list_packs(folder):
        lines += _pack(load_pack(folder, name))
    return "\n".join(lines).rstrip() + "\n"


def _pack(pack: Pack) -> Iterator[str]:
    yield from (f"## `{pack.name}`", "", f"{pack.title}, version {pack.version}.", "")
    yield from (
        f"Security level `{pack.security_level}`. Personal data in {', '.join(pack.tenant.allowed_regions)}.",
        f"Workflows keep {_names(pack.compliance_requirements)}.",
        "",
    )
    yield from _table(
        ("assistant", "role", "priority", "control level", "may do", "regimes", "backup", "depends on"),
        [
            (
                f"{one.assistant_id}{' (sample)' if one.is_sample else ''}",
                one.role,
                one.priority,
                one.control_level,
                ", ".join(one.skills),
                ", ".join(one.compliance_levels),
                one.backup_assistant_id or "",
                ", ".join(one.depends_on),
            )
            for one in pack.assistants
        ],
    )
    yield from _table(("rule", "title", "regime"), [(r.rule_id, r.title, r.compliance_level or "") for r in pack.rules])
    yield from _table(
        ("workflow", "meaning", "steps"), [(w.workflow_id, w.meaning, len(w.steps)) for w in pack.workflows]
    )
    yield from _table(
        ("benchmark", "meaning", "value", "basis", "source"),
        [
            (name, one.meaning, f"{one.value:g} {one.unit}", _basis(one.basis, one.provenance), one.source)
            for name, one in pack.benchmarks.items()
        ],
    )


def _basis(basis: str, provenance: str | None) -> str:
    return f"{basis}, to be verified" if provenance == "K" else basis


def workflows_page() -> str:
    """Each part and step kind of a workflow definition with its fields."""
    lines = ["# Workflow definitions", "", inspect.cleandoc(workflows.__doc__ or ""), ""]
    lines += [
        "Templates stand in `packs/<industry>/workflows/<workflow_id>.yaml`. `aurora pack check` holds them to the fleet:",
        "names, skills, clearances, control levels, that every path ends, that what is read was written, and that no act",
        "under a regime is reached past a checkpoint of that regime.",
        "",
    ]
    for part in PARTS:
        lines += _fields(part, f"## {part.__name__}", skip=frozenset())
    lines += ["## Steps", "", "Every step has these, a compensation without where it goes:", ""]
    shared = {field.name: field for field in msgspec.structs.fields(workflows.WaitStep)}
    own = [name for name in shared if name not in {"event", "wait_s"}]
    docs = _docs(workflows.WaitStep)
    lines += _table(("field", "type", "default", "meaning"), [_field(shared[name], docs) for name in own])
    for kind in STEPS:
        lines += _fields(kind, f"### `kind: {kind.__struct_config__.tag}`", skip=frozenset(own))
    return "\n".join(lines).rstrip() + "\n"


def _fields(kind: type[msgspec.Struct], title: str, *, skip: frozenset[str]) -> Iterator[str]:
    yield from (title, "", " ".join((kind.__doc__ or "").split()), "")
    docs = _docs(kind)
    rows = [_field(field, docs) for field in msgspec.structs.fields(kind) if field.name not in skip]
    yield from _table(("field", "type", "default", "meaning"), rows)


def _field(field: msgspec.structs.FieldInfo, docs: dict[str, str]) -> tuple[str, str, str, str]:
    if field.required:
        default = "required"
    elif field.default is msgspec.NODEFAULT:
        default = "empty"
    else:
        default = _default(field.default)
    return f"`{field.name}`", _type(msgspec.inspect.type_info(field.type)), default, docs.get(field.name, "")


def _default(value: Any) -> str:
    if value is None or value == ():
        return ""
    if isinstance(value, msgspec.Struct):
        return ", ".join(f"{name} {given:g}" for name, given in msgspec.structs.asdict(value).items())
    return f"`{value}`"


def _type(info: msgspec.inspect.Type) -> str:
    """A type in a word or two."""
    match info:
        case msgspec.inspect.UnionType(types=types):
            return " or ".join(_type(one) for one in types if not isinstance(one, msgspec.inspect.NoneType))
        case msgspec.inspect.VarTupleType(item_type=item):
            return f"list of {_type(item)}"
        case msgspec.inspect.DictType(value_type=value):
            return f"name to {_type(value)}"
        case msgspec.inspect.LiteralType(values=values):
            return ", ".join(f"`{one}`" for one in values)
        case msgspec.inspect.StructType(cls=cls):
            return cls.__name__
        case msgspec.inspect.StrType():
            return "text"
        case msgspec.inspect.AnyType():
            return "anything"
        case _:
            return type(info).__name__.removesuffix("Type").lower()


def _docs(kind: type) -> dict[str, str]:
    """The docstring below each attribute, those of its bases among them."""
    docs: dict[str, str] = {}
    for owner in reversed(kind.__mro__):
        if owner.__module__ != workflows.__name__:
            continue
        (body,) = ast.parse(inspect.getsource(owner)).body
        statements = getattr(body, "body", [])
        for declared, following in pairwise(statements):
            match declared, following:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    docs[name] = " ".join(text.split())
    return docs


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(_cell(cell) for cell in row)} |"
    yield ""


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|")
