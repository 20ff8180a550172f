"""Pages of OpenAI's organization API: buckets of a period, each with results, one a group that was asked for.

A page may stand alone, one a line or in an array. Whoever pulls it may add `retrieved_at` (RFC 3339 or unix
seconds): OpenAI restates open buckets, and the newest answer is the one in force. Without it a bucket counts as
asked for when it ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from aurora.ingest import foreign
from aurora.ingest.documents import Positions, as_json, read_documents, unknown_shape
from aurora.ingest.foreign import Record, Values, WrongValueError
from aurora.ingest.portions import Portion, Refusal, SourceFile
from contracts import registry

Mapped = Callable[[Mapping[str, Any]], Values]
"""A result's own columns; `WrongValueError` where they cannot be told."""


def read_pages(file: SourceFile, contract: str, mapped: Mapped) -> Iterator[Portion]:
    """One row a result of a bucket; the contract's key is what `mapped` gives for it, and the period."""
    positions, key = Positions(), registry.table(contract).key[0]
    for documents in read_documents(file, is_document=_is_page):
        rows: list[Record] = []
        refused: list[Refusal] = []
        for document in documents:
            if isinstance(document, Refusal):
                refused.append(positions.placed(document))
            else:
                _read_page(document, key=key, mapped=mapped, positions=positions, rows=rows, refused=refused)
        yield foreign.text_portion(contract, rows, refused)


def _is_page(value: Mapping[str, Any]) -> bool:
    return isinstance(value.get("data"), list) or isinstance(value.get("results"), list)


def _read_page(
    page: Mapping[str, Any],
    *,
    key: str,
    mapped: Mapped,
    positions: Positions,
    rows: list[Record],
    refused: list[Refusal],
) -> None:
    buckets = page["data"] if isinstance(page.get("data"), list) else [page]
    for bucket in buckets:
        results = bucket.get("results", bucket.get("result")) if isinstance(bucket, dict) else None
        if not isinstance(results, list):
            refused.append(unknown_shape(bucket, positions.next()))
            continue
        for result in results:
            position = positions.next()
            if not isinstance(result, dict):
                refused.append(unknown_shape(result, position))
                continue
            raw = as_json({**{name: part for name, part in bucket.items() if name != "results"}, "results": [result]})
            try:
                values = {**_period(bucket, page), **mapped(result)}
                period = (values["charge_period_start"], values["charge_period_end"])
                rows.append((position, {**values, key: joined(values[key], *period)}, raw))
            except WrongValueError as wrong:
                refused.append(wrong.refusal(position, raw))


def _period(bucket: Mapping[str, Any], page: Mapping[str, Any]) -> Values:
    start = foreign.unix_time(bucket.get("start_time"), "charge_period_start", per_second=1)
    end = foreign.unix_time(bucket.get("end_time"), "charge_period_end", per_second=1)
    asked = foreign.first(page, ("retrieved_at",)) or bucket.get("retrieved_at")
    if isinstance(asked, int | float):
        asked = foreign.unix_time(int(asked), "retrieved_at", per_second=1)
    return {
        "charge_period_start": start,
        "charge_period_end": end,
        "retrieved_at": foreign.text(asked, "retrieved_at") or end,
        "provider_name": "openai",
    }


def joined(*parts: str | None) -> str:
    """Parts of a key; one that was not grouped by is left empty, so that it never equals another grouping."""
    return "/".join(part or "" for part in parts)
