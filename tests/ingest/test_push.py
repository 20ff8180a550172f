"""Bodies that wait together are committed together, and each is told what became of it alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aurora.errors import AuroraError, DataError
from aurora.ingest.commit import BatchReport
from aurora.ingest.push import Push, ingest_pushes, recover_spool
from aurora.ingest.spool import VERDICTS, About, SpooledBody, left_bodies, new_spool_id, spool_folder
from aurora.store.paths import TenantPaths
from tests.ingest.conftest import NOW


def spooled(paths: TenantPaths, rows: list[dict[str, Any]] | bytes, *, suffix: str = ".ndjson") -> SpooledBody:
    about = About(spool_id=new_spool_id("push"), suffix=suffix, source="gateway", contract="usage")
    body = SpooledBody(paths, about)
    body.write(rows if isinstance(rows, bytes) else b"".join(json.dumps(one).encode() + b"\n" for one in rows))
    body.finish()
    return body


def push_of(body: SpooledBody) -> Push:
    return Push(file=body.file, batch_id=body.batch_id, source="gateway", contract="usage", wanted="all")


def ingest(paths: TenantPaths, *bodies: SpooledBody) -> list[BatchReport | AuroraError]:
    return ingest_pushes(paths, [push_of(body) for body in bodies], clock=lambda: NOW)


def verdicts(file: Path) -> list[str]:
    lines = file.with_name(file.name + VERDICTS).read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["verdict"] for line in lines[:-1]]


def snapshots(gateway) -> int:
    return gateway.look("SELECT count(DISTINCT ingested_at) FROM raw.ingest_batch").item()


def test_bodies_that_share_no_key_land_in_one_file_and_one_commit(gateway, row):
    bodies = [spooled(gateway.paths, [row(number), row(f"bad-{number}", input_tokens=-1)]) for number in range(5)]
    reports = ingest(gateway.paths, *bodies)
    assert [(one.good, one.quarantined) for one in reports] == [(1, 1)] * 5
    assert [verdicts(body.file) for body in bodies] == [["landed", "quarantined"]] * 5
    assert gateway.look("SELECT count(*), count(DISTINCT batch_seq) FROM raw.usage").row(0) == (5, 5)
    assert len(list((gateway.paths.files("raw") / "main" / "usage").rglob("*.parquet"))) == 1


def test_rows_that_were_there_are_told_apart_body_by_body(gateway, row):
    ingest(gateway.paths, spooled(gateway.paths, [row(1), row(2)]))
    bodies = [
        spooled(gateway.paths, [row(1), row(3)]),
        spooled(gateway.paths, [row(2, input_tokens=7), row(4)]),
        spooled(gateway.paths, [row(5)]),
    ]
    ingest(gateway.paths, *bodies)
    assert [verdicts(body.file) for body in bodies] == [["duplicate", "landed"], ["quarantined", "landed"], ["landed"]]
    assert gateway.look("SELECT count(*), count(DISTINCT usage_id) FROM raw.usage").row(0) == (5, 5)
    assert [one["rule"] for one in gateway.refused()] == ["unique_key"]


def test_the_first_of_two_bodies_with_a_key_has_it(gateway, row):
    bodies = [
        spooled(gateway.paths, [row(1)]),
        spooled(gateway.paths, [row(2), row(1)]),
        spooled(gateway.paths, [row(1, input_tokens=7)]),
        spooled(gateway.paths, [row(1)]),
    ]
    reports = ingest(gateway.paths, *bodies)
    assert [verdicts(body.file) for body in bodies] == [
        ["landed"],
        ["landed", "duplicate"],
        ["quarantined"],
        ["landed"],
    ]
    assert [one.is_known for one in reports] == [False, False, False, True]
    assert gateway.look("SELECT count(*) FROM raw.usage").item() == 2


def test_a_body_that_cannot_be_read_holds_up_no_other(gateway, row):
    bodies = [
        spooled(gateway.paths, [row(1)]),
        spooled(gateway.paths, b"neither this nor that"),
        spooled(gateway.paths, [row(2)]),
    ]
    first, wrong, last = ingest(gateway.paths, *bodies)
    assert isinstance(wrong, DataError)
    assert [one.good for one in (first, last) if isinstance(one, BatchReport)] == [1, 1]


def test_a_body_whose_owner_lives_is_not_recovered(gateway, row):
    body = spooled(gateway.paths, [row(1)])
    assert recover_spool(gateway.paths, clock=lambda: NOW) == []
    assert body.file.exists()
    body.remove()
    assert [file.name for file in spool_folder(gateway.paths).iterdir()] == [".door"]


def test_what_was_left_behind_lands_and_what_was_torn_goes(gateway, row):
    whole = spooled(gateway.paths, [row(1)])
    torn = SpooledBody(gateway.paths, About(spool_id="push_torn", suffix=".ndjson", source="gateway", contract="usage"))
    torn.write(b'{"usage')
    (spool_folder(gateway.paths) / "push_gone.ndjson.verdicts").write_bytes(b"{}")
    (spool_folder(gateway.paths) / "push_gone.about").write_bytes(b"{}")
    for body in (whole, torn):
        body.let_go()
    assert [report.good for report in recover_spool(gateway.paths, clock=lambda: NOW)] == [1]
    assert [file.name for file in spool_folder(gateway.paths).iterdir()] == [".door"]
    assert list(left_bodies(gateway.paths)) == []


@pytest.mark.parametrize("content", [b"", b"nothing known"])
def test_a_body_that_nobody_can_read_does_not_stay_for_ever(gateway, content):
    spooled(gateway.paths, content).let_go()
    assert recover_spool(gateway.paths, clock=lambda: NOW) == []
    assert [file.name for file in spool_folder(gateway.paths).iterdir()] == [".door"]
