"""A new pack from one that works: its files under the new name, whole, so that they may all be edited."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from aurora.errors import ConflictError, UsageError
from aurora.packs.loading import load_pack
from aurora.packs.reading import SHARED, declared_file
from aurora.store.paths import check_slug


def draft_pack(packs_dir: Path, name: str, *, title: str, template_dir: Path, template: str) -> dict[Path, str]:
    """Texts of the new pack's files by their place in its folder; nothing is written.

    What the template shares stays shared where `packs_dir` has it too, and is written out where it has not.
    `UsageError` for a name that is not plain, `ConflictError` for one that is taken, `NotFoundError` without the
    template.
    """
    check_slug(name, field="name")
    if (packs_dir / name).exists():
        raise ConflictError(
            f"There is something named {name!r} in {packs_dir} already.",
            field="name",
            rule="is_new",
            next_step=f"Choose another name, or check what is there: `aurora pack check {name}`.",
        )
    origin = load_pack(template_dir, template)
    folder = template_dir / template
    texts = {
        file.relative_to(folder): _text(file, file.relative_to(folder), packs_dir)
        for file in sorted(folder.rglob("*.yaml"))
    }
    head = texts[Path("pack.yaml")]
    head = re.sub(r"\A(#.*\n)+", "", head)
    head = re.sub(r"(?m)^pack: .*$", f"pack: {name}", head, count=1)
    head = re.sub(r"(?m)^title: .*$", lambda _: f"title: {_quoted(title)}", head, count=1)
    head = re.sub(r"(?m)^version: .*$", "version: 0.1.0", head, count=1)
    made_from = (
        f"# Made from the pack {template} {origin.version}: replace what is not yours, then `aurora pack check`.\n"
    )
    texts[Path("pack.yaml")] = made_from + head
    return texts


def write_pack(packs_dir: Path, name: str, texts: Mapping[Path, str]) -> Path:
    """Write a drafted pack and return its folder; it appears whole or not at all. `UsageError` where it cannot."""
    folder, unfinished = packs_dir / name, packs_dir / f".{name}.{os.getpid()}"
    try:
        for place, text in texts.items():
            file = unfinished / place
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        unfinished.rename(folder)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be written: {error.strerror}.",
            field="AURORA_PACKS_DIR",
            rule="can_be_written",
            next_step="Set AURORA_PACKS_DIR to a folder you may write to.",
        ) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def _text(file: Path, place: Path, packs_dir: Path) -> str:
    is_shared_there = (packs_dir / SHARED / place).is_file()
    return (file if is_shared_there else declared_file(file)).read_text(encoding="utf-8")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
