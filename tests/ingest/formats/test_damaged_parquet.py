"""Parquet whose names or texts are no UTF-8 any more is refused; polars would end the process over them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aurora.ingest.contract_guess import column_names
from aurora.ingest.portions import SourceFile
from aurora.ingest.source_formats import source_format

CASES = [("canonical_parquet", "usage", "usage_id"), ("focus_parquet", "focus_charge", "ChargeDescription")]


@pytest.mark.parametrize(("name", "contract", "column"), CASES)
@pytest.mark.parametrize("spoilt", ["text", "name"])
def test_what_is_no_utf_8_is_refused(tmp_path: Path, name: str, contract: str, column: str, spoilt: str) -> None:
    file = tmp_path / "x.parquet"
    table = pa.table({column: ["@@text@@", "b"], "@@name@@": [1, 2]})
    pq.write_table(table, file, compression="none", use_dictionary=False, write_statistics=False, store_schema=False)
    whole = file.read_bytes()
    mark = f"@@{spoilt}@@".encode()
    assert mark in whole
    file.write_bytes(whole.replace(mark, b"\xd2" * len(mark)))
    portions = list(source_format(name).read(SourceFile(path=file, contract=contract, max_line_bytes=2**20)))
    assert sum(portion.rows.height for portion in portions) == 0
    assert [rule for portion in portions for rule in portion.refused["rule"]] == ["parquet"]
    column_names(file)  # says nothing, and does not fail
