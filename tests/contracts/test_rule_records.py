"""Every record that the rules speak of is a table, and each of their words a column of it."""

import re
from pathlib import Path

import pytest
import yaml

from contracts import registry
from contracts.rule_records import WORDS, column_of, record_table
from contracts.tables import brokerage

RULES = Path(__file__).resolve().parents[3] / "shared" / "compliance" / "rules.yaml"
RECORDS = (
    *(
        "access_event",
        "access_grant",
        "ad_creative",
        "ai_decision",
        "ai_operation",
        "alert",
        "audit_event",
        "audit_log",
    ),
    *("backup", "broker", "change", "command", "component", "connection", "consent", "dataset", "dataset_row", "deal"),
    *("deal_cost", "document", "dsr", "field", "handoff", "incident", "listing", "message", "model", "model_endpoint"),
    *("party", "payment", "pipeline_run", "processing", "property", "rendered_field", "rule_pack", "scan_hit"),
    *("screening_hit", "suspicion", "tenancy", "tenant", "transfer", "vendor", "viewing"),
)
NOT_WORDS = (
    "abs and any as between business_days case cde command control_level count current_date dataset date day else end "
    "false fields_outside has have hour in input interval is lag len like list_except max min month needed not now null "
    "open or outside over param params party pii policy principal purpose resource role severity str then true vendor "
    "when year adequate eea_adequate dsr_days pdpl_breach_hours"
)
"""Words of SQL, of prose, of parameters, and of records that a word of theirs follows."""


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_of_the_rules_is_a_table(record):
    assert record_table(record) in registry.tables()


@pytest.mark.parametrize(("record", "word"), [(r, w) for r, words in WORDS.items() for w in words])
def test_a_word_of_the_rules_is_a_column(record, word):
    table, column = column_of(record, word)
    assert column in registry.table(table).columns


def test_no_word_of_a_rule_is_left_out():
    if not RULES.is_file():
        pytest.skip("the law's rules are not here")
    of_the_brokerage = {declared.name for declared in brokerage.TABLES}  # tests/contracts/test_brokerage.py
    missing = []
    rules = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    assert {rule["record"] for rule in rules} <= set(RECORDS)
    for rule in rules:
        record = rule["record"]
        if record in of_the_brokerage:
            continue
        bare = re.sub(r"'[^']*'|\[[^\]]*\]|\([^()]*[a-z] [a-z][^()]*\)(?= *$)", " ", rule["violates_when"])
        for word in set(re.findall(r"[a-z_][a-z_0-9]*", bare.lower())) - set(NOT_WORDS.split()):
            table, column = column_of(record, word)
            if column not in registry.table(table).columns:
                missing.append(f"{rule['id']} {record}: {word}")
    assert missing == []
