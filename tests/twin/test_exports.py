"""The twin's files: one table, however it is written, is the same rows to whoever reads it."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from aurora.ingest import envelope
from aurora.ingest.batch import ingest_landing
from aurora.ingest.source_formats import detect
from aurora.packs import load_pack
from aurora.settings import PROJECT_DIR
from aurora.store.lake import create_lake, read_lake
from aurora.store.paths import create_tenant
from twin.exports import drop_exports
from twin.frame import Export, Frame

_FORMS = {
    "twin_daniel": ("export_envelope_json", True),
    "twin_elena": ("canonical_ndjson", True),
    "twin_fatima": ("canonical_csv", True),
    "twin_clara": ("canonical_parquet", True),
    "twin_sofia": ("canonical_parquet", False),
    "twin_amira": ("canonical_ndjson", False),
}
"""Source, the format its usage comes in, and whether an envelope says what it is."""


def frame() -> Frame:
    pack = load_pack(PROJECT_DIR / "packs", "real_estate")
    return Frame(pack=pack, seed=7, first_day=dt.date(2026, 11, 1), days=5, scale=0.01)


def usage(source: str) -> pl.DataFrame:
    draw = random.Random(4)
    start = dt.datetime(2026, 11, 2, 8, tzinfo=dt.UTC)
    rows = [
        {
            "usage_id": f"{source}-{number}",
            "occurred_at": start + dt.timedelta(microseconds=draw.randrange(10**11)),
            "operation_name": "chat",
            "provider_name": "simulated_gulf",
            "request_model": "gulf-jais-30b",
            "input_tokens": None if number % 5 == 0 else draw.randrange(2000),
            "output_tokens": draw.randrange(500),
            "is_error": number % 5 == 0,
            "reported_cost_usd": Decimal(draw.randrange(10**9)).scaleb(-9),
            "region": None,
        }
        for number in range(40)
    ]
    return pl.DataFrame(rows, schema_overrides={"reported_cost_usd": pl.Decimal(18, 9), "region": pl.String()})


def test_the_same_rows_land_from_every_form(tmp_path: Path):
    paths = create_tenant(tmp_path, "forms", "ae-dubai")
    create_lake(paths)
    exports = [Export(source=source, contract="usage", rows=usage(source)) for source in _FORMS]
    for file in drop_exports(paths, frame(), exports):
        wanted, has_envelope = _FORMS[file.parent.name]
        assert detect(file) == wanted
        said = envelope.of_file(file)
        assert (said is not None) == has_envelope
        if said is not None:
            assert (said.assistant_id, said.contract, said.row_count) == (file.parent.name[5:], "usage", 40)
    ingest_landing(paths, clock=lambda: dt.datetime(2026, 11, 6, tzinfo=dt.UTC))
    with read_lake(paths) as lake:
        assert lake.query("SELECT count(*) FROM raw.quarantine").item() == 0
        for source in _FORMS:
            rows = lake.query("SELECT * FROM raw.usage WHERE source = ? ORDER BY usage_id", [source])
            expected = usage(source).sort("usage_id")
            for name in ("usage_id", "occurred_at", "input_tokens", "output_tokens", "is_error", "reported_cost_usd"):
                assert rows[name].to_list() == expected[name].to_list(), (source, name)
            assert set(rows["region"]) == {"ae-dubai"}


def test_two_parts_of_one_source_and_contract_lie_side_by_side(tmp_path: Path):
    paths = create_tenant(tmp_path, "forms", "ae-dubai")
    parts = [usage("a"), usage("b").head(10)]
    files = drop_exports(paths, frame(), [Export(source="twin_clara", contract="usage", rows=rows) for rows in parts])
    assert [file.name for file in files] == ["usage-7-2026-11-01.parquet", "usage-7-2026-11-01-2.parquet"]
    assert [pl.read_parquet(file).height for file in files] == [40, 10]
    again = drop_exports(paths, frame(), [Export(source="twin_clara", contract="usage", rows=rows) for rows in parts])
    assert again == files
    assert len(list(paths.landing.rglob("*.parquet"))) == 2


def test_a_column_that_the_contract_does_not_have_is_not_exported(tmp_path: Path):
    paths = create_tenant(tmp_path, "forms", "ae-dubai")
    rows = usage("a").with_columns(success_probability=pl.lit(0.5))
    (file,) = drop_exports(paths, frame(), [Export(source="twin_clara", contract="usage", rows=rows)])
    assert "success_probability" not in pl.read_parquet_schema(file)


def test_an_export_that_does_not_fit_its_contract_stops_the_twin(tmp_path: Path):
    paths = create_tenant(tmp_path, "forms", "ae-dubai")
    rows = usage("a").with_columns(output_tokens=pl.lit("many"))
    with pytest.raises(pl.exceptions.InvalidOperationError):
        drop_exports(paths, frame(), [Export(source="twin_clara", contract="usage", rows=rows)])
    assert not list(paths.landing.rglob("*.parquet"))
