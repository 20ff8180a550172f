"""Loading a pack: `packs/<name>/` read as a whole and checked."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from aurora.errors import NotFoundError
from aurora.packs.assistants import Assistant
from aurora.packs.industry import PackFile, TenantPolicy
from aurora.packs.llms import LlmsFile
from aurora.packs.pack import Pack
from aurora.packs.policies import Policies
from aurora.packs.reading import read_declared, wrong
from aurora.packs.rules import Rule

T = TypeVar("T")


def load_pack(packs_dir: Path, name: str) -> Pack:
    """The pack in `packs_dir/name`. `NotFoundError` without one; `DataError` names the file and field that is wrong."""
    folder = packs_dir / name
    if name not in list_packs(packs_dir):
        raise _no_pack(packs_dir, name)
    declared = read_declared(folder / "pack.yaml", PackFile)
    pack = Pack(
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
    )
    if pack.name != name:
        raise wrong(folder / "pack.yaml", "pack", f"is {pack.name!r}, but the folder is {name!r}")
    _check_references(folder, pack)
    return pack


def tenant_policy(packs_dir: Path, name: str) -> TenantPolicy:
    """Where tenants of that pack may keep data: its head alone is read. Errors: as `load_pack`."""
    if name not in list_packs(packs_dir):
        raise _no_pack(packs_dir, name)
    return read_declared(packs_dir / name / "pack.yaml", PackFile).tenant


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
            raise wrong(file, "candidate_id", f"{llm.candidate_id!r} stands twice")
        seen.add(llm.candidate_id)
        _known(file, f"{llm.candidate_id}.compliance_levels", llm.compliance_levels, pack.compliance_levels)
        for price in ("input_usd_per_mtok", "output_usd_per_mtok"):
            _not_negative(file, f"{llm.candidate_id}.price.{price}", getattr(llm.price, price))


def _known(file: Path, field: str, names: Iterable[str], known: Iterable[str]) -> None:
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise wrong(file, field, f"names {unknown[0]!r}, which is not declared")


def _not_negative(file: Path, field: str, amount: Decimal) -> None:
    if not amount.is_finite() or amount < 0:
        raise wrong(file, field, f"is {amount}, which is not an amount of at least 0")


def _read_folder(folder: Path, kind: type[T], *, key: str) -> tuple[T, ...]:
    found = []
    for file in sorted(folder.glob("*.yaml")):
        declared = read_declared(file, kind)
        if getattr(declared, key) != file.stem:
            raise wrong(file, key, f"is {getattr(declared, key)!r}, but the file is named {file.stem!r}")
        found.append(declared)
    return tuple(found)
