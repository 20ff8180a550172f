"""The pack's assistants in the lake: written once, replaced when the pack changes."""

from __future__ import annotations

from pathlib import Path

import msgspec

from aurora.decisions.fleet import sync_assistants
from aurora.packs import load_pack
from aurora.settings import Settings
from aurora.store.lake import create_lake, read_lake
from aurora.store.paths import create_tenant


def test_the_fleet_is_written_once_and_follows_the_pack(tmp_path: Path):
    paths = create_tenant(tmp_path, "demo", "ae-dubai")
    create_lake(paths)
    pack = load_pack(Settings().packs_dir, "real_estate")
    assert sync_assistants(paths, pack) == 16
    with read_lake(paths) as lake:
        before = lake.snapshot_id("raw")
    assert sync_assistants(paths, pack) == 0
    renamed = msgspec.structs.replace(pack.assistants[0], assistant_name="Renamed")
    changed = msgspec.structs.replace(pack, assistants=(renamed, *pack.assistants[2:]))
    with read_lake(paths) as lake:
        assert lake.snapshot_id("raw") == before
    assert sync_assistants(paths, changed) == 15
    with read_lake(paths) as lake:
        names = lake.query("SELECT assistant_id, assistant_name, skills FROM raw.assistant ORDER BY assistant_id")
    assert names.row(0)[:2] == (renamed.assistant_id, "Renamed")
    assert msgspec.json.decode(names.row(0)[2]) == list(renamed.skills)
    assert len(names) == 15
