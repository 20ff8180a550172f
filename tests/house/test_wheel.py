"""The wheel holds what a running Aurora reads: packs, dbt project, page theme, price overrides."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names in a wheel built from the tracked files."""
    tree, out = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-c", "import setuptools.build_meta as b, sys; b.build_wheel(sys.argv[1])", str(out)]
    subprocess.run(command, cwd=tree, check=True, capture_output=True)
    (wheel,) = out.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


@pytest.mark.parametrize(
    "name",
    [
        "packs/real_estate/pack.yaml",
        "packs/real_estate/assistants/clara.yaml",
        "packs/real_estate/compliance/res_001.yaml",
        "packs/real_estate/workflows/lead_to_payment.yaml",
        "packs/_rules/facts.yaml",
        "packs/_rules/uae_aml/aml_002.yaml",
        "packs/_shared/llms.yaml",
        "packs/_shared/compliance/gen_003.yaml",
        "dbt_project/dbt_project.yml",
        "dbt_project/profiles.yml",
        "dbt_project/macros/kpis.sql",
        "dbt_project/models/staging/raw/_raw__sources.yml",
        "dbt_project/models/marts/kpi_values.sql",
        "aurora/gateway/price_overrides.yaml",
        "apps/cli.py",
        "apps/streamlit/app.py",
        "apps/streamlit/.streamlit/config.toml",
        "apps/streamlit/app_pages/home.py",
    ],
)
def test_the_wheel_holds(names: set[str], name: str) -> None:
    assert name in names


def test_the_wheel_holds_no_tests_and_no_data(names: set[str]) -> None:
    assert not [name for name in names if name.startswith(("tests/", "data/", "docs/"))]
