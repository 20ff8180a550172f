"""The pack's assistants in the lake: written once, brought up to a changed pack; who left is kept, disabled."""

from __future__ import annotations

import msgspec

from aurora.ingest.fleet import publish_fleet
from aurora.packs import load_pack
from aurora.settings import Settings
from aurora.store.lake import read_lake
from aurora.store.paths import TenantPaths


def test_the_fleet_is_written_once_and_follows_the_pack(paths: TenantPaths):
    pack = load_pack(Settings().packs_dir, "real_estate")
    assert publish_fleet(paths, pack) == 16
    with read_lake(paths) as lake:
        before = lake.snapshot_id("raw")
    assert publish_fleet(paths, pack) == 0
    first, gone, *others = pack.assistants
    renamed = msgspec.structs.replace(first, assistant_name="Renamed")
    with read_lake(paths) as lake:
        assert lake.snapshot_id("raw") == before
    assert publish_fleet(paths, msgspec.structs.replace(pack, assistants=(renamed, *others))) == 2
    with read_lake(paths) as lake:
        found = lake.query("SELECT assistant_id, assistant_name, skills, assistant_state FROM raw.assistant")
    rows = {row[0]: row[1:] for row in found.iter_rows()}
    assert len(rows) == 16
    assert rows[first.assistant_id][0] == "Renamed"
    assert msgspec.json.decode(rows[first.assistant_id][1]) == list(first.skills)
    assert rows[gone.assistant_id][2] == "disabled"
