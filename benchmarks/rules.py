"""Rules: the verdict of all rules on one record, a sweep of the whole book, and both engines on random records.

Records are the simulated brokerage's, repeated with keys of their own until there are five million; what was planted
stays once.
"""

from __future__ import annotations

import datetime as dt
import statistics
import tempfile
import time
from pathlib import Path
from typing import Final

import polars as pl

from aurora.compliance.declarations import Example
from aurora.compliance.findings import record_sweep
from aurora.compliance.rulebook import Rulebook, load_rulebook
from aurora.compliance.sweep import Sweep, sweep
from aurora.compliance.verdicts import EXAMPLES_NOW, evaluate, record_of
from aurora.packs import load_pack
from aurora.settings import Settings
from aurora.store.lake import LakeWriter, create_lake, read_lake, write_lake
from aurora.store.paths import TenantPaths, create_tenant
from benchmarks.campaigns.rule_engines import disagreements
from benchmarks.harness import Result, peak_memory_gib, seconds
from contracts import registry
from twin.brokerage.history import brokerage_history
from twin.cases.ledger import VIOLATION
from twin.frame import Frame, Part

RECORDS: Final = 5_000_000
UNTIL: Final = dt.datetime(2026, 10, 30, tzinfo=dt.UTC)
_CHUNK: Final = 200_000
_RANDOM: Final = 10_000
_CALLS: Final = 5_000


def run(*, data: Path | None, scale: float) -> list[Result]:  # noqa: ARG001 - every bench is called alike
    """The figures of issue 5, part 2."""
    book = load_rulebook(Settings().packs_dir)
    return [*_online(book), *_engines(book, scale), *_sweep(book, round(RECORDS * scale))]


def _online(book: Rulebook) -> list[Result]:
    """Every rule about one record, on the records of all examples."""
    asked = [(rule.file.record, example) for rule in book.rules for example in rule.file.examples]
    records = [(record, record_of(book, record, _given(example), where="bench")) for record, example in asked]
    taken = []
    for place in range(_CALLS):
        record, values = records[place % len(records)]
        began = time.perf_counter()
        evaluate(book, record, values, now=EXAMPLES_NOW)
        taken.append((time.perf_counter() - began) * 1000)
    cuts = statistics.quantiles(taken, n=100)
    most = max(len(rules) for rules in book.by_contract.values())
    return [
        Result(metric="online_p50", value=cuts[49], unit="ms"),
        Result(metric="online_p95", value=cuts[94], unit="ms", bar=2.0, op="<="),
        Result(metric="rules_of_one_record_at_most", value=most, unit="rules"),
    ]


def _given(example: Example) -> dict[str, object]:
    return dict(example.given)


def _engines(book: Rulebook, scale: float) -> list[Result]:
    count = max(50, round(_RANDOM * scale))
    wrong = [rule.rule_id for rule in book.rules if disagreements(book, rule, count=count, seed=1)]
    return [
        Result(metric="random_records_a_rule", value=count, unit="records"),
        Result(metric="rules_in_disagreement", value=len(wrong), unit="rules", bar=0, op="<="),
    ]


def _sweep(book: Rulebook, wanted: int) -> list[Result]:
    with tempfile.TemporaryDirectory(prefix="aurora-rules-") as folder:
        paths = create_tenant(Path(folder), "bench", "ae-dubai")
        create_lake(paths)
        part = _brokerage()
        _fill(paths, book, part, wanted)
        found: list[Sweep] = []
        swept = seconds(lambda: found.append(_swept(paths, book)))
        books = seconds(lambda: record_sweep(paths, found[0]))
        again = seconds(lambda: record_sweep(paths, _swept(paths, book)))
    planted = _planted(part)
    hits = set(found[0].hits.select("rule_id", "record_source", "about_id").iter_rows())
    with_rules = found[0].figures.unique("about_contract")
    return [
        Result(metric="swept_rules", value=found[0].figures.height, unit="rules"),
        Result(metric="swept_records", value=int(with_rules["judged_count"].sum()), unit="records"),
        Result(metric="sweep", value=swept, unit="s", bar=60.0, op="<="),
        Result(metric="first_findings_written", value=books, unit="s"),
        Result(metric="sweep_again_and_compare", value=again, unit="s", bar=60.0, op="<="),
        Result(metric="planted_recall", value=len(hits & planted) / len(planted), unit="share", bar=1.0, op=">="),
        Result(metric="false_findings", value=len(hits - planted), unit="findings", bar=0, op="<="),
        Result(metric="peak_memory", value=peak_memory_gib(), unit="GiB"),
    ]


def _swept(paths: TenantPaths, book: Rulebook) -> Sweep:
    with read_lake(paths) as lake:
        return sweep(book, lake, now=UNTIL)


def _brokerage() -> Part:
    pack = load_pack(Settings().packs_dir, "real_estate")
    return brokerage_history(Frame(pack=pack, seed=11, first_day=dt.date(2026, 8, 1), days=90, scale=0.05))


def _planted(part: Part) -> set[tuple[str, str, str]]:
    cases = part.truth["planted_cases"].filter(pl.col("expected") == VIOLATION)
    return set(cases.select("rule_id", "source", "record_key").iter_rows())


def _fill(paths: TenantPaths, book: Rulebook, part: Part, wanted: int) -> None:
    """All rows once, then those without a planted case again and again, until the ruled contracts hold `wanted`."""
    rows = _rows(part)
    cases = part.truth["planted_cases"].select("contract", "source", "record_key").unique()
    # a trail is a chain, and a company is one: neither is repeated
    repeated = {
        name: _without(name, frame, cases)
        for name, frame in rows.items()
        if name in book.by_contract and name not in ("audit_event", "tenant")
    }
    held = sum(frame.height for name, frame in rows.items() if name in book.by_contract)
    copies = max(0, -((held - wanted) // sum(frame.height for frame in repeated.values())))
    for contract, frame in rows.items():
        _append(paths, contract, frame)
    for contract, plain in repeated.items():
        block = max(1, _CHUNK // max(1, plain.height))
        for first in range(0, copies, block):
            many = plain.join(pl.DataFrame({"_copy": range(first, min(first + block, copies))}), how="cross")
            _append(paths, contract, _renamed(contract, many))


def _rows(part: Part) -> dict[str, pl.DataFrame]:
    found: dict[str, list[pl.DataFrame]] = {}
    for one in part.exports:
        found.setdefault(one.contract, []).append(one.rows.with_columns(pl.lit(one.source).alias("source")))
    return {contract: _stored(contract, pl.concat(parts, how="diagonal")) for contract, parts in found.items()}


def _stored(contract: str, frame: pl.DataFrame) -> pl.DataFrame:
    """In the lake's columns; what ingest would fill in is filled in."""
    table = registry.table(contract)
    fields = {field.name: field for field in registry.stored_fields(table)}
    columns = []
    for name, kind in registry.polars_schema(table, is_stored=True).items():
        column = (pl.col(name) if name in frame.columns else pl.lit(None)).cast(kind)
        default = _DEFAULTS.get(fields[name].type)
        if name.removesuffix("_token") in frame.columns and name.endswith("_token"):
            column = pl.col(name.removesuffix("_token"))
        is_filled = table.is_required(name) and default is not None
        columns.append((column.fill_null(pl.lit(default).cast(kind)) if is_filled else column).alias(name))
    return frame.select(columns)


_DEFAULTS: Final = {"text": "ae-dubai", "bool": True, "int": 1, "date": UNTIL.date(), "timestamp": UNTIL, "json": "[]"}


def _without(contract: str, frame: pl.DataFrame, cases: pl.DataFrame) -> pl.DataFrame:
    key = [name for name in registry.table(contract).key if name != "source"]
    mine = cases.filter(pl.col("contract") == contract).select("source", "record_key")
    named = frame.with_columns(pl.concat_str(key, separator="|").alias("record_key"))
    return named.join(mine, on=["source", "record_key"], how="anti").drop("record_key")


def _renamed(contract: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Keys of the copy's own: the first column of the key bears its number."""
    name = next(one for one in registry.table(contract).key if one != "source")
    return frame.with_columns(pl.format("{}~{}", name, "_copy").alias(name)).drop("_copy")


def _append(paths: TenantPaths, contract: str, frame: pl.DataFrame) -> None:
    def work(lake: LakeWriter) -> None:
        lake.append(contract, frame)

    write_lake(paths, "raw", work, author="bench", message=contract)
