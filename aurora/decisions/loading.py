"""The engine as the tenant's files are now, and a cheap sign that they changed."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from typing import Any, Final

from aurora.compliance.rules import compile_rules
from aurora.decisions.archive import archive, pack_content
from aurora.decisions.bundles import CHALLENGER, Bundle, champion_folder, load_bundle, named_folder
from aurora.decisions.engine import Engine
from aurora.decisions.features import load_features
from aurora.decisions.reliability import FILE as RELIABILITY
from aurora.decisions.reliability import load_reliability
from aurora.errors import AuroraError
from aurora.packs import load_pack, pack_files
from aurora.settings import Settings
from aurora.store.paths import TenantPaths

_KIND: Final = "route_llm"


def load_engine(paths: TenantPaths, settings: Settings) -> Engine:
    """The tenant's engine as its files are now. Raises `AuroraError` naming the file that does not fit."""
    version = engine_version(paths, settings)
    pack = load_pack(settings.packs_dir, settings.pack)
    folder = champion_folder(paths.serving, "route_llm")
    archive(paths, "pack", *pack_content(pack))
    return Engine(
        paths,
        pack,
        compile_rules(pack.rules),
        bundle=None if folder is None else load_bundle(folder),
        challenger=_challenger(paths),
        features=load_features(paths),
        reliability=load_reliability(paths),
        version=version,
    )


def _challenger(paths: TenantPaths) -> Bundle | None:
    """The bundle that is tried, if any. One that cannot be read is not tried, and stops no decision."""
    try:
        folder = named_folder(paths.serving, "route_llm", CHALLENGER)
        return None if folder is None else load_bundle(folder)
    except AuroraError as error:
        logging.getLogger("aurora.decisions").warning("The challenger is not tried: %s", error)
        return None


def engine_version(paths: TenantPaths, settings: Settings) -> str:
    """Changes when any file an engine is made from does: names, sizes and times, no content. Cheap enough to poll."""
    served = [
        paths.serving / "features.json",
        paths.serving / RELIABILITY,
        paths.serving / "bundles" / "route_llm" / "champion",
        paths.serving / "bundles" / "route_llm" / CHALLENGER,
    ]
    files: Sequence[Any] = [*pack_files(settings.packs_dir, settings.pack), *served]
    digest = hashlib.sha256()
    for file in files:
        try:
            state = file.stat()
        except FileNotFoundError:
            continue
        digest.update(f"{file}\n{state.st_size}\n{state.st_mtime_ns}\n{state.st_ino}\n".encode())
    return digest.hexdigest()[:16]
