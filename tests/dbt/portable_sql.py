"""The lint that keeps models to SQL which DuckDB, Sail and Spark read alike. Models only: macros are where engines differ.

It reads tokens, not a parse: what it must find are words and where they stand, and Jinja is cut out first.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

FUNCTIONS: Final = frozenset(
    [
        "abs",
        "avg",
        "cast",
        "coalesce",
        "count",
        "floor",
        "greatest",
        "least",
        "max",
        "min",
        "nullif",
        "row_number",
        "sqrt",
        "sum",
    ]
)
"""Functions that mean the same everywhere. Another one goes into a macro, or here once it was tried on all engines."""

_BEFORE_PAREN: Final = frozenset(
    [
        "all",
        "and",
        "as",
        "by",
        "distinct",
        "else",
        "exists",
        "from",
        "group",
        "having",
        "in",
        "interval",
        "join",
        "not",
        "on",
        "or",
        "over",
        "partition",
        "select",
        "then",
        "union",
        "using",
        "values",
        "when",
        "where",
        "with",
        "decimal",
        "varchar",
        "except",
        "intersect",
        "exclude",
        "replace",
    ]
)
"""Words that stand before a parenthesis and are no functions."""

_TOKEN: Final = re.compile(
    r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/|[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)*|\d+(?:\.\d+)?|::|//|\S",
    re.DOTALL | re.IGNORECASE,
)
_CONFIG: Final = re.compile(r"\{\{-?\s*config\((?:\"[^\"]*\"|'[^']*'|[^\"'])*?\)\s*-?\}\}", re.DOTALL)


@dataclass(slots=True)
class _Paren:
    """An open parenthesis: the word before it, and how many sort keys of it have been seen."""

    word: str
    sort_keys: int = 0
    null_orders: int = 0


def faults(sql: str, *, folder: str = "marts") -> list[str]:
    """What in a model of that folder is not portable; empty when all is."""
    found = []
    sql = re.sub(r"\{#.*?#\}", " ", sql, flags=re.DOTALL)
    if folder != "staging" and re.search(r"\bsource\s*\(", sql):
        found.append("source() stands in staging only")
    tokens = _tokens(sql)
    found += _words(tokens)
    found += _nested(tokens)
    return sorted(set(found))


def _tokens(sql: str) -> list[str]:
    text = _CONFIG.sub(" ", sql)
    text = re.sub(r"\{%.*?%\}", " ", text, flags=re.DOTALL)
    text = re.sub(r"\{\{.*?\}\}", " jinja ", text, flags=re.DOTALL)
    return [token.lower() for token in _TOKEN.findall(text) if not token.startswith(("--", "/*"))]


def _words(tokens: list[str]) -> Iterator[str]:
    text = " ".join(token for token in tokens if not token.startswith("'"))
    if "qualify" in tokens:
        yield "QUALIFY: filter in a step of its own"
    if re.search(r"\bgroup by all\b", text):
        yield "GROUP BY ALL: name the columns"
    if "::" in tokens:
        yield ":: casts: write cast(x as type)"
    if re.search(r"\busing \(", text) and re.search(r"\bgroup by [^()]*\w\.\w", text):
        yield "JOIN USING with a qualified GROUP BY: join with on"
    if "//" in tokens:
        yield "//: cast and floor"
    if re.search(r"\* (?:exclude|replace) \(", text):
        yield "* EXCLUDE or REPLACE: name the columns"


def _nested(tokens: list[str]) -> Iterator[str]:
    """Faults that depend on which parentheses a word stands in."""
    opened: list[_Paren] = []
    for place, token in enumerate(tokens):
        before = tokens[place - 1] if place else ""
        if token == "(":
            if re.fullmatch(r"[a-z_]\w*", before) and before not in _BEFORE_PAREN | FUNCTIONS:
                yield f"{before}(): not in every engine; put it into a macro"
            opened.append(_Paren(before))
        elif token == ")" and opened:
            closed = opened.pop()
            if closed.sort_keys > closed.null_orders:
                yield "ORDER BY in a window or percentile: say nulls first or nulls last"
        elif token == "sum" and tokens[place + 1 : place + 2] == ["("] and not any(p.word == "cast" for p in opened):
            yield "sum() without cast: engines differ in its type"
        elif opened and opened[-1].word in {"over", "group"}:
            _count_sort_keys(opened[-1], token, before)


def _count_sort_keys(paren: _Paren, token: str, before: str) -> None:
    if (before, token) == ("order", "by"):
        paren.sort_keys = 1
    elif token == "," and paren.sort_keys:
        paren.sort_keys += 1
    elif token == "nulls":
        paren.null_orders += 1
