"""The format in docs/how-to/add-a-format.md works as it is printed."""

from __future__ import annotations

import re
from types import ModuleType

import polars as pl

from aurora.ingest.portions import SourceFile
from aurora.settings import PROJECT_DIR


def test_the_guides_format_reads_its_own_sample_and_refuses_what_it_must(tmp_path):
    page = (PROJECT_DIR / "docs" / "how-to" / "add-a-format.md").read_text(encoding="utf-8")
    guide = ModuleType("guide")
    exec(re.search(r"```python\n(.*?)```", page, re.DOTALL)[1], guide.__dict__)  # noqa: S102 - our own page
    sample = guide.sample(contract="usage", row_count=5, seed=1)
    file = tmp_path / "calls.jsonl"
    file.write_bytes(sample + b'{"acme_call_id": "x", "in": "many"}\n')
    assert guide.matches(sample, file.name)
    (portion,) = guide.read(SourceFile(path=file))
    assert portion.rows.height == 5
    assert portion.refused.select("row_number", "rule", "column_name").rows() == [(6, "type", "input_tokens")]
    assert portion.rows["input_tokens"].dtype == pl.String
