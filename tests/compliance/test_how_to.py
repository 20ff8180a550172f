"""The rule that the guide shows is a rule."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from aurora.compliance.rulebook import FOLDER, load_rulebook
from aurora.compliance.verdicts import check_examples
from aurora.settings import PROJECT_DIR, Settings

GUIDE = PROJECT_DIR / "docs" / "how-to" / "add-a-rule.md"


def test_the_rule_of_the_guide_loads_and_its_examples_hold(tmp_path: Path):
    shown = re.findall(r"```yaml\n# (packs/_rules/\S+)\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    ((place, text),) = shown
    shutil.copytree(Settings().packs_dir / FOLDER, tmp_path / FOLDER)
    (tmp_path / Path(place).relative_to("packs")).write_text(text, encoding="utf-8")
    params = tmp_path / FOLDER / "uae_aml" / "params.yaml"
    wanted = "  cheque_from_aed: {type: int, value: 50000, meaning: From here on., source: Ours, as_of: 2026-11-26}\n"
    params.write_text(params.read_text(encoding="utf-8") + wanted, encoding="utf-8")
    book = load_rulebook(tmp_path)
    check_examples(book, book.rule("AML-023"))
