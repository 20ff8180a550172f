"""What privacy found, by day: the marts hold what the door counted."""

from aurora.store.lake import read_lake


def test_the_findings_of_all_batches_are_in_the_mart(built):
    with read_lake(built) as lake:
        raw = lake.query(
            "SELECT source, contract, column_name, identifier_class, privacy_action, CAST(ingested_at AS DATE) AS period_date,"
            " CAST(sum(finding_count) AS BIGINT) AS n FROM raw.privacy_finding GROUP BY ALL ORDER BY ALL"
        ).rows()
        mart = lake.query(
            "SELECT source, contract, column_name, identifier_class, privacy_action, period_date, finding_count"
            " FROM mart.privacy_findings ORDER BY ALL"
        ).rows()
        kept = lake.query("SELECT count(user_id) AS n FROM raw.usage").item()
    assert mart == raw
    assert sum(row[-1] for row in mart if row[2] == "user_id" and row[4] == "kept") == kept


def test_no_row_was_refused_for_its_region(built):
    with read_lake(built) as lake:
        assert lake.query("SELECT count(*) AS n FROM mart.residency_refusals").item() == 0
