"""The reference page of the rules about records, generated from the rule packs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from aurora.compliance.declarations import ACTS
from aurora.compliance.rulebook import RecordRule, Rulebook, RulePack, load_rulebook
from aurora.settings import PROJECT_DIR

PAGE = Path("docs/reference/rules.md")


def rules_page() -> str:
    """Every rule pack: its rules, parameters and the facts they need."""
    book = load_rulebook(PROJECT_DIR / "packs")
    must = sum(rule.file.must_be_verified for rule in book.rules)
    lines = [
        "# Rules",
        "",
        f"{len(book.rules)} rules about records in {len(book.packs)} rule packs (`packs/_rules/`). `aurora rules show RULE` prints one with",
        "its examples, `aurora rules sweep` judges the lake by them, `POST /api/v1/compliance/evaluate` one record before an act.",
        "[Add a rule](../how-to/add-a-rule.md). Provenance: S seen in the source, S1 seen once, K general knowledge, A and B the owner's plans, D ours.",
        f"{must} rules rest on general knowledge, in whole or in part: they are marked *to be verified*.",
        "",
        "Acts of a remedy: " + " ".join(f"**{act}**: {meaning}" for act, meaning in ACTS.items()),
        "",
    ]
    for pack in book.packs:
        lines += _pack(pack)
    return "\n".join([*lines, *_facts(book)]).rstrip() + "\n"


def _pack(pack: RulePack) -> Iterator[str]:
    file = pack.file
    bound = ", ".join(file.industries) or "all industries"
    yield from (f"## `{file.rule_pack}`", "", f"{file.title}. {file.authority}. Regime `{file.regime}`, {bound}, version {file.version}, held against its sources on {file.checked_at:%Y-%m-%d}.", "")  # fmt: skip
    yield from (
        "| rule | severity | record | what it asks for | source | clock | remedy |",
        "|---|---|---|---|---|---|---|",
    )
    yield from (_rule(rule) for rule in pack.rules)
    yield ""
    if pack.parameters:
        yield from ("| parameter | value | meaning | source |", "|---|---|---|---|")
        for name, one in pack.parameters.items():
            value = ", ".join(one.value) if isinstance(one.value, list) else one.value
            assumed = ", *assumed*" if one.is_assumed else ""
            yield f"| `{name}` | {value} | {one.meaning} | {one.source} ({one.as_of}{assumed}) |"
        yield ""


def _rule(rule: RecordRule) -> str:
    file = rule.file
    verify = ", *to be verified*" if file.must_be_verified else ""
    clock = "before the act" if rule.is_pre_act else f"{rule.clock_value} {file.clock.kind.replace('_', ' ')}"
    source = f"{file.source.instrument}, {file.source.article} ({file.provenance}{verify})"
    return f"| {file.rule_id} | {file.severity} | `{rule.contract}` | {file.title} | {source} | {clock} | {', '.join(file.remediation.acts)} |"


def _facts(book: Rulebook) -> Iterator[str]:
    yield from ("## Facts", "", "What rules need to know of a record and that stands elsewhere: swept from the lake, given by whoever asks before an act.", "")  # fmt: skip
    yield from ("| record | fact | type | meaning |", "|---|---|---|---|")
    for group in book.facts.values():
        for name, fact in group.facts.items():
            yield f"| `{group.record}` | `{name}` | {fact.type} | {fact.meaning} |"
