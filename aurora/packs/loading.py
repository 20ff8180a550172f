"""Loading a pack: `packs/<name>/` read as a whole and checked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from aurora.errors import NotFoundError
from aurora.packs.assistants import Assistant
from aurora.packs.industry import PackFile, TenantPolicy
from aurora.packs.llms import LlmsFile
from aurora.packs.pack import Pack
from aurora.packs.policies import Policies
from aurora.packs.reading import SHARED, PackError, declared_file, read_declared, wrong
from aurora.packs.references import faults_of
from aurora.packs.rules import Rule
from contracts.messages.workflows import Workflow

T = TypeVar("T")
_FOLDERS: tuple[tuple[str, type, str], ...] = (
    ("assistants", Assistant, "assistant_id"),
    ("compliance", Rule, "rule_id"),
    ("workflows", Workflow, "workflow_id"),
)
_FILES: tuple[tuple[str, type], ...] = (("pack.yaml", PackFile), ("llms.yaml", LlmsFile), ("policies.yaml", Policies))


def load_pack(packs_dir: Path, name: str) -> Pack:
    """The pack in `packs_dir/name`. `NotFoundError` without one; `PackError` names the file and field that is wrong."""
    pack = _read_pack(packs_dir, name)
    for fault in faults_of(packs_dir / name, pack):
        raise fault
    return pack


def pack_faults(packs_dir: Path, name: str) -> list[PackError]:
    """Everything that keeps a pack from loading. What files refer to is looked at once each can be read.

    `NotFoundError` without such a pack.
    """
    _known_pack(packs_dir, name)
    unreadable = list(_unreadable(packs_dir / name))
    if unreadable:
        return unreadable
    try:
        pack = _read_pack(packs_dir, name)
    except PackError as fault:
        return [fault]
    return list(faults_of(packs_dir / name, pack))


def _read_pack(packs_dir: Path, name: str) -> Pack:
    folder = packs_dir / name
    _known_pack(packs_dir, name)
    declared = read_declared(folder / "pack.yaml", PackFile)
    if declared.pack != name:
        raise wrong(folder / "pack.yaml", "pack", f"is {declared.pack!r}, but the folder is {name!r}", rule="same_name")
    return Pack(
        name=declared.pack,
        title=declared.title,
        version=declared.version,
        tenant=declared.tenant,
        compliance_levels=declared.compliance_levels,
        task_types=declared.task_types,
        assistants=_read_folder(folder / "assistants", Assistant, key="assistant_id"),
        llms=read_declared(folder / "llms.yaml", LlmsFile).llms,
        rules=_read_folder(folder / "compliance", Rule, key="rule_id"),
        policies=read_declared(folder / "policies.yaml", Policies),
        security_level=declared.security_level,
        compliance_requirements=declared.compliance_requirements,
        terminology=declared.terminology,
        roles=declared.roles,
        benchmarks=declared.benchmarks,
        workflows=_read_folder(folder / "workflows", Workflow, key="workflow_id"),
    )


def _unreadable(folder: Path) -> Iterator[PackError]:
    wanted = [(folder / name, kind, "") for name, kind in _FILES]
    for name, kind, key in _FOLDERS:
        wanted += [(file, kind, key) for file in sorted((folder / name).glob("*.yaml"))]
    for file, kind, key in wanted:
        try:
            _read_named(file, kind, key=key)
        except PackError as fault:
            yield fault


def tenant_policy(packs_dir: Path, name: str) -> TenantPolicy:
    """Where tenants of that pack may keep data: its head alone is read. Errors: as `load_pack`."""
    _known_pack(packs_dir, name)
    return read_declared(packs_dir / name / "pack.yaml", PackFile).tenant


def list_packs(packs_dir: Path) -> list[str]:
    """Names of the packs there are, sorted."""
    return sorted(file.parent.name for file in packs_dir.glob("*/pack.yaml"))


def pack_files(packs_dir: Path, name: str) -> list[Path]:
    """Every file the pack is read from, sorted: what a poller watches."""
    return sorted([*(packs_dir / name).rglob("*.yaml"), *(packs_dir / SHARED).rglob("*.yaml")])


def _known_pack(packs_dir: Path, name: str) -> None:
    if name not in (packs := list_packs(packs_dir)):
        raise NotFoundError(
            f"There is no pack named {name[:80]!r} in {packs_dir}.",
            field="pack",
            next_step=f"There are: {', '.join(packs) or 'none'}.",
        )


def _read_folder(folder: Path, kind: type[T], *, key: str) -> tuple[T, ...]:
    return tuple(_read_named(file, kind, key=key) for file in sorted(folder.glob("*.yaml")))


def _read_named(file: Path, kind: type[T], *, key: str) -> T:
    """A declaration whose `key` is the name of its file."""
    declared = read_declared(file, kind)
    if key and getattr(declared, key) != file.stem:
        problem = f"is {getattr(declared, key)!r}, but the file is named {file.stem!r}"
        raise wrong(declared_file(file), key, problem, rule="same_name")
    return declared
