"""What a person gives as a new version of the rules: a file, a folder or a zip, put where the rules of a version stand."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import Any, Final

import yaml

from aurora.compliance.rulebook import FOLDER, SUPERSEDED, Rulebook
from aurora.errors import UsageError

MAX_BYTES: Final = 4 * 1024 * 1024
MAX_FILES: Final = 2_000
_APART: Final = ("facts.yaml", "coverage.yaml")


def unpacked(given: Path, place: Path) -> Path:
    """The folder or file that is meant; a zip is unpacked, whatever its names say, below `place`."""
    if not given.exists():
        raise UsageError(f"There is no {given.name}.", field="file", next_step="Name a YAML file, a folder or a zip.")
    if given.suffix != ".zip":
        return given
    try:
        with zipfile.ZipFile(given) as packed:
            members = [one for one in packed.infolist() if not one.is_dir() and one.filename.endswith(".yaml")]
            if len(members) > MAX_FILES or sum(one.file_size for one in members) > MAX_BYTES:
                raise _not_rules(given, f"It unpacks to more than {MAX_FILES} files or {MAX_BYTES} bytes.")
            for one in members:
                target = (place / one.filename).resolve()
                if not target.is_relative_to(place.resolve()):
                    raise _not_rules(given, f"{one.filename!r} leaves its folder.")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(packed.read(one))
    except zipfile.BadZipFile as error:
        raise _not_rules(given, "It is no zip file.") from error
    inside = [one for one in place.iterdir() if one.is_dir()] if place.is_dir() else []
    return inside[0] if len(inside) == 1 and not list(place.glob("*.yaml")) else place


def take_in(given: Path, folder: Path, old: Rulebook, pack: str | None) -> None:
    if given.is_file():
        _take_file(given, folder, old, pack)
        return
    root = given / FOLDER if (given / FOLDER).is_dir() else given
    if (root / "pack.yaml").is_file():
        _take_pack(root, folder, _pack_name(root / "pack.yaml"))
        return
    packs = [one.parent for one in sorted(root.glob("*/pack.yaml"))]
    for one in packs:
        _take_pack(one, folder, one.name)
    apart = [root / name for name in _APART if (root / name).is_file()]
    for file in apart:
        shutil.copyfile(file, folder / file.name)
    if (root / "calendars").is_dir():
        shutil.copytree(root / "calendars", folder / "calendars", dirs_exist_ok=True)
    single = [one for one in sorted(root.glob("*.yaml")) if one.name not in _APART]
    for file in single:
        _take_file(file, folder, old, pack)
    if not packs and not apart and not single:
        raise _not_rules(given, "It holds no YAML file and no folder with a pack.yaml.")


def _take_pack(given: Path, folder: Path, name: str) -> None:
    shutil.rmtree(folder / name, ignore_errors=True)
    (folder / name).mkdir(parents=True)
    for file in sorted(given.glob("*.yaml")):
        shutil.copyfile(file, folder / name / file.name)


def _take_file(given: Path, folder: Path, old: Rulebook, pack: str | None) -> None:
    """A single file says itself what it is."""
    told = _mapping(given)
    if "rule_id" in told:
        rule_id = str(told["rule_id"])
        home = next((rule.pack.rule_pack for rule in old.rules if rule.rule_id == rule_id), pack)
        target = _in_pack(folder, old, home, given) / (rule_id.lower().replace("-", "_") + ".yaml")
    elif "parameters" in told:
        target = _in_pack(folder, old, pack, given) / "params.yaml"
        if target.is_file():  # parameters that the tenant changed before stay changed
            told = {"parameters": {**_mapping(target)["parameters"], **told["parameters"]}}
    elif "sources" in told or "binds" in told:
        target = folder / "coverage.yaml"
        if target.is_file():
            known = _mapping(target)
            told = {**known, **told, "sources": {**known.get("sources", {}), **told.get("sources", {})}}
    else:
        raise _not_rules(given, "It has neither rule_id, parameters, sources nor binds.")
    target.write_text(yaml.safe_dump(told, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _in_pack(folder: Path, old: Rulebook, pack: str | None, given: Path) -> Path:
    if pack is None:
        raise UsageError(
            f"{given.name} does not say to which rule pack it belongs.",
            field="pack",
            next_step=f"Name it: --pack, one of {', '.join(one.file.rule_pack for one in old.packs)}.",
        )
    place = folder / old.pack(pack).file.rule_pack
    place.mkdir(exist_ok=True)
    return place


def _mapping(file: Path) -> dict[str, Any]:
    if file.stat().st_size > MAX_BYTES:
        raise _not_rules(file, f"It is larger than {MAX_BYTES} bytes.")
    try:
        told = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _not_rules(file, "It is no YAML.") from error
    if not isinstance(told, dict):
        raise _not_rules(file, "It is no mapping.")
    return told


def _pack_name(head: Path) -> str:
    """The name that a pack.yaml gives its pack: its folder may be called otherwise."""
    name = _mapping(head).get("rule_pack")
    if not isinstance(name, str) or not name.replace("_", "").isalnum() or name in (SUPERSEDED, "calendars"):
        raise _not_rules(head, "Its rule_pack is no plain name.")
    return name


def _not_rules(given: Path, why: str) -> UsageError:
    return UsageError(
        f"{given.name} is no rule, parameters, coverage or rule pack. {why}",
        field="file",
        next_step="docs/how-to/add-a-rule.md shows what each looks like.",
    )
