"""Privacy at the door: what looking through a million rows costs, and what of known truth is found.

CPU seconds of the whole process, so that work on other threads counts. Texts are made by `identifiers`, near
misses included; they are ours, so recall and precision are an upper bound.
"""

from __future__ import annotations

import datetime as dt
import random
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import polars as pl

from aurora.ingest.portions import BatchOrigin
from aurora.privacy.detection import find
from aurora.privacy.door import Doorkeeper
from aurora.store.paths import TenantPaths, create_tenant
from benchmarks.harness import Result
from benchmarks.identifiers import ANNOUNCED, KINDS, near_miss, phone, sentence
from contracts import registry

_ROUNDS: Final = 3
_ROWS: Final = 1_000_000
_TEXT_ROWS: Final = 100_000
_TEXTS: Final = 20_000


def run(*, data: Path | None, scale: float) -> list[Result]:
    """Needs no data: rows are generated."""
    del data
    rows, text_rows = max(1000, round(_ROWS * scale)), max(1000, round(_TEXT_ROWS * scale))
    draw = random.Random(7)
    with tempfile.TemporaryDirectory() as folder:
        paths = create_tenant(Path(folder), "demo", "ae-dubai")
        costs = {
            "usage_user_id": _cost(paths, "usage", {"user_id": _users(draw, rows)}),
            "usage_all_ids": _cost(paths, "usage", _ids(draw, rows)),
            "usage_phones_in_5_percent": _cost(paths, "usage", {"user_id": _users(draw, rows, phone_share=0.05)}),
            "free_text": _cost(paths, "evaluation", {"note": _texts(draw, text_rows)}),
            "encrypted_text": _cost(
                paths, "message", {"body": _texts(draw, text_rows), "subject_id": _users(draw, text_rows)}
            ),
        }
    results = [
        Result(metric=f"cpu_{name}", value=value, unit="s/1M rows", bar=0.05 if name == "usage_user_id" else None,
               op="<=" if name == "usage_user_id" else None)
        for name, value in costs.items()
    ]  # fmt: skip
    return [*results, *_accuracy(draw, round(_TEXTS * scale))]


def _cost(paths: TenantPaths, contract: str, filled: Mapping[str, pl.Series]) -> float:
    """CPU seconds a million rows of the best of a few rounds."""
    declared = registry.table(contract)
    height = next(iter(filled.values())).len()
    rows = pl.DataFrame(
        {
            name: filled[name] if name in filled else pl.repeat(None, height, dtype=kind, eager=True)
            for name, kind in registry.polars_schema(declared).items()
        }
    )
    origin = BatchOrigin(
        batch_id="bench", batch_seq=1, source="bench", source_format="canonical_csv", file_name="bench.csv",
        region=paths.region, ingested_at=dt.datetime(2026, 11, 21, tzinfo=dt.UTC),
    )  # fmt: skip
    spent = []
    for _ in range(_ROUNDS):
        with Doorkeeper(paths) as keeper:
            start = time.process_time()
            keeper.door(declared, origin).protect(rows)
            spent.append(time.process_time() - start)
    return min(spent) / height * 1_000_000


def _users(draw: random.Random, count: int, *, phone_share: float = 0.0) -> pl.Series:
    return pl.Series(
        [phone(draw) if draw.random() < phone_share else f"user-{draw.randrange(20_000)}" for _ in range(count)]
    )


def _ids(draw: random.Random, count: int) -> dict[str, pl.Series]:
    return {
        "usage_id": pl.Series([f"gateway:{number}-{draw.getrandbits(32):x}" for number in range(count)]),
        "conversation_id": pl.Series([str(uuid.UUID(int=draw.getrandbits(128))) for _ in range(count)]),
        "trace_id": pl.Series([f"{draw.getrandbits(128):032x}" for _ in range(count)]),
        "request_model": pl.Series(draw.choices(["gpt-4o", "claude-3-5-sonnet-20241022"], k=count)),
        "assistant_id": pl.Series(draw.choices(["clara", "mary"], k=count)),
        "user_id": _users(draw, count),
    }


def _texts(draw: random.Random, count: int) -> pl.Series:
    return pl.Series([sentence(draw, *([phone(draw)] if draw.random() < 0.05 else [])) for _ in range(count)])


def _accuracy(draw: random.Random, texts: int) -> list[Result]:
    makers = {**KINDS, **ANNOUNCED}
    planted: Counter[str] = Counter()
    right: Counter[str] = Counter()
    found = 0
    for _ in range(texts):
        kind = draw.choice([*makers, "nothing", "nothing", "nothing"])
        inner = makers[kind](draw) if kind in makers else near_miss(draw)
        planted[kind] += 1
        for one in find(sentence(draw, inner)):
            found += 1
            right[kind] += one.identifier_class == kind and one.value in inner
    recalls = [right[kind] / planted[kind] for kind in makers if planted[kind]]
    return [
        Result(metric="recall_of_the_worst_class", value=min(recalls), unit="share", bar=0.99, op=">="),
        Result(metric="precision", value=sum(right.values()) / max(1, found), unit="share", bar=0.99, op=">="),
    ]
