"""A query that does not fit into memory ends all the same: it spills inside the tenant's region."""

from pathlib import Path

from aurora.store.connection import open_duckdb, spill_folder
from aurora.store.lake import create_lake
from aurora.store.paths import create_tenant, tenant_paths


def test_a_query_larger_than_memory_spills_where_the_tenants_files_lie(tmp_path: Path) -> None:
    paths = create_tenant(tmp_path, "demo", "ae-dubai")
    create_lake(paths)
    connection = open_duckdb(paths)
    try:
        connection.execute("SET memory_limit = '60MiB'")
        connection.execute("SET threads = 1")
        rows = "SELECT repeat('x', 200) || i AS t FROM range(500_000) AS r(i)"  # 100 MB of texts to be sorted
        numbered = f"SELECT t, row_number() OVER (ORDER BY md5(t)) AS n FROM ({rows})"
        assert connection.execute(f"SELECT count(*) FROM ({numbered}) WHERE length(t) + n > 0").fetchone() == (500_000,)
        assert spill_folder(paths).is_dir()
    finally:
        connection.close()


def test_no_folder_is_made_for_a_tenant_that_is_not_there(tmp_path: Path) -> None:
    made = create_tenant(tmp_path, "demo", "ae-dubai")
    absent = tenant_paths(tmp_path, made.tenant)
    other = type(absent)(tmp_path, "other", "ae-dubai")
    assert not spill_folder(other).exists()
