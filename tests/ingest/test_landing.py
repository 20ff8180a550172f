"""The landing folder: what is left alone, what is refused, what is taken once."""

from __future__ import annotations

import json

import pytest

from aurora.errors import DataError
from aurora.ingest.batch import ingest_file, ingest_landing
from aurora.ingest.landing import landed_files
from tests.ingest.conftest import NOW


def ingest(gateway):
    return ingest_landing(gateway.paths, clock=lambda: NOW)


def test_sub_folders_are_taken_and_hidden_or_unfinished_files_are_not(gateway, row):
    for name in ("plain.ndjson", ".hidden.ndjson", "a.ndjson.part", "b.ndjson.tmp"):
        gateway.drop(name, [row(name)])
    for folder in ("2026/11", ".staging"):
        (gateway.paths.landing / "gateway" / folder).mkdir(parents=True)
        gateway.drop(f"{folder}/deep.ndjson", [row(folder)])
    found = [str(file.relative_to(gateway.paths.landing)) for _, file in landed_files(gateway.paths)]
    assert found == ["gateway/2026/11/deep.ndjson", "gateway/plain.ndjson"]


def test_a_file_that_was_renamed_when_done_is_taken(gateway, row):
    part = gateway.drop("export.ndjson.part", [row(1)])
    assert ingest(gateway) == []
    part.rename(part.with_suffix(""))
    assert [report.good for report in ingest(gateway)] == [1]


def test_a_file_dropped_again_under_any_name_changes_nothing(gateway, row):
    gateway.drop("first.ndjson", [row(1), row(2)])
    ingest(gateway)
    gateway.drop("second.ndjson", [row(1), row(2)])
    gateway.drop("first.ndjson", [row(1), row(2)])
    assert [report.is_known for report in ingest(gateway)] == [True, True]
    assert gateway.look("SELECT count(*) FROM raw.usage").item() == 2


def test_links_out_of_the_folder_are_refused_and_not_read(gateway, row, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.ndjson").write_text(json.dumps(row("secret")), encoding="utf-8")
    gateway.drop("plain.ndjson", [row(1)])
    (gateway.paths.landing / "gateway" / "link.ndjson").symlink_to(outside / "secret.ndjson")
    (gateway.paths.landing / "linked").symlink_to(outside)
    ingest(gateway)
    assert {one["rule"] for one in gateway.refused()} == {"inside_landing"}
    assert gateway.look("SELECT usage_id FROM raw.usage")["usage_id"].to_list() == ["call-1"]
    assert "secret-row" not in str(gateway.refused())


def test_a_file_that_grows_while_it_is_read_waits_for_the_next_run(gateway, row):
    growing = gateway.drop("a-growing.ndjson", [row(1)])
    gateway.drop("b-whole.ndjson", [row(2)])
    grown = []

    def clock():
        if not grown:
            grown.append(True)
            with growing.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(row(3)) + "\n" + '{"usage_id": "ha')
        return NOW

    assert [report.file_name for report in ingest_landing(gateway.paths, clock=clock)] == ["b-whole.ndjson"]
    gateway.drop("a-growing.ndjson", [row(1), row(3)])
    assert [report.good for report in ingest(gateway) if not report.is_known] == [2]
    assert gateway.look("SELECT batch_seq FROM raw.ingest_batch ORDER BY 1")["batch_seq"].to_list() == [1, 2]
    assert gateway.refused() == []
    assert not [file for file in gateway.paths.files("raw").rglob("*.parquet") if file.stat().st_size == 0]


def test_one_named_file_that_grows_is_refused(gateway, row):
    file = gateway.drop("growing.ndjson", [row(1)])

    def clock():
        with file.open("a", encoding="utf-8") as stream:
            stream.write("\n")
        return NOW

    with pytest.raises(DataError) as refused:
        ingest_file(gateway.paths, file, source="gateway", clock=clock)
    assert refused.value.rule == "whole"
