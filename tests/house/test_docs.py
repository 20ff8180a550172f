"""Docs are product: generated pages match the code, and nothing a user can call goes unmentioned."""

import re
from pathlib import Path

import pytest

from apps import reference

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("page", sorted(reference.pages(), key=str), ids=str)
def test_a_generated_page_is_what_the_code_says(page: Path) -> None:
    expected = reference.pages()[page]
    assert (ROOT / page).read_text(encoding="utf-8") == expected, "run `make docs` and commit what it wrote"


def test_the_readme_shows_the_two_commands_and_a_picture_on_its_first_screen() -> None:
    first_screen = "\n".join((ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:30])
    assert "make run" in first_screen
    assert "make test" in first_screen
    assert "![" in first_screen


def test_links_in_the_docs_lead_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)} -> {target}"
        for page in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
        if not target.startswith(("http://127.0.0.1", "http://localhost")) and not (page.parent / target).exists()
    ]
    assert broken == []


def test_every_makefile_target_has_a_line_of_help() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = set(re.findall(r"^\.PHONY: (\S+)", makefile, re.MULTILINE))
    helped = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    assert phony == helped
