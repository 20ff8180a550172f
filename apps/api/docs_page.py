"""The OpenAPI document as a page: rendered here, with no script and nothing fetched; light, dark, narrow."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

from apps.api.messages import ProblemPage

Document = dict[str, Any]

_STYLE = """
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5b6675;--line:#d8dee6;--paper:#fff;--tint:#f3f6f9;--mark:#0b6bcb}
@media(prefers-color-scheme:dark){:root{--ink:#e6ebf2;--soft:#9aa7b8;--line:#2d3846;--paper:#10161e;--tint:#18212c;
--mark:#6cb6ff}}
*{box-sizing:border-box}body{margin:0 auto;max-width:60rem;padding:1rem;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.6rem;margin:.5rem 0}h2{font-size:1.2rem;margin:2rem 0 .5rem;border-bottom:1px solid var(--line)}
h3{font-size:1rem;margin:1.5rem 0 .25rem}a{color:var(--mark)}code,pre{font:13px/1.5 ui-monospace,monospace}
pre{background:var(--tint);border:1px solid var(--line);border-radius:6px;padding:.75rem;white-space:pre-wrap}
.verb{display:inline-block;min-width:4.2em;font-weight:700;color:var(--mark)}.soft{color:var(--soft)}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;border-bottom:1px solid var(--line)}
th{color:var(--soft);font-weight:600}nav ul{list-style:none;padding:0}
@media(max-width:40rem){tr,td{display:block}th,td:empty{display:none}td{border:0;padding:0}
tr{padding:.4rem 0;border-bottom:1px solid var(--line)}td:first-child{font-weight:600}}
"""
_LOCAL = "http://127.0.0.1:8000"
_SAMPLE_ID = {
    "decision_id": "dec_01a2...",
    "prefix": "demo.0f1e2d3c4b5a",
    "code": "invalid-data",
    "contract": "usage",
    "handoff_id": "hof_01a2...",
    "quarantine_id": "9f2c4e...",
}


def docs_page(document: Document) -> str:
    """The whole API on one page."""
    operations = list(_operations(document))
    info = document["info"]
    links = "".join(
        f'<li><a href="#{_anchor(method, path)}"><code><span class="verb">{method.upper()}</span>{escape(path)}</code></a>'
        f' <span class="soft">{escape(operation["summary"])}</span></li>'
        for method, path, operation in operations
    )
    schemas = document["components"]["schemas"]
    parts = [
        f"<h1>{escape(info['title'])} API</h1><p>{escape(info['summary'])}</p><p>{_text(info['description'])}</p>",
        '<p>The same for programs: <a href="/openapi.json">/openapi.json</a>.</p>',
        f"<nav><h2>Routes</h2><ul>{links}</ul></nav>",
        *[_operation(method, path, operation) for method, path, operation in operations],
        "<h2>Messages</h2>",
        *[_schema(name, schema) for name, schema in sorted(schemas.items())],
    ]
    return _page("Aurora API", "".join(parts))


def problem_page(problem: ProblemPage) -> str:
    """What one problem type means."""
    body = (
        f"<h1>{problem.status} {escape(problem.title)}</h1><p><code>{escape(problem.type)}</code></p>"
        f"<p>{_text(problem.meaning)}</p><h2>Next step</h2><p>{_text(problem.next_step)}</p>"
        '<p><a href="/docs">All routes</a></p>'
    )
    return _page(f"Problem: {problem.title}", body)


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>'
        f'{escape(title)}</title><meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<link rel="icon" href="data:,"><style>{_STYLE}</style></head><body>{body}</body></html>'
    )


def _operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def _operation(method: str, path: str, operation: Document) -> str:
    scope = operation.get("x-scope")
    needs = f"A key with the scope <code>{escape(scope)}</code>." if scope else "No key."
    parts = [
        f'<h2 id="{_anchor(method, path)}"><code><span class="verb">{method.upper()}</span>{escape(path)}</code></h2>',
        f'<p>{_text(operation.get("description") or operation["summary"])} <span class="soft">{needs}</span></p>',
    ]
    rows = [
        (one["name"], one["in"], _type(one["schema"]), _text(one.get("description", "")))
        for one in operation.get("parameters", [])
    ]
    if rows:
        parts.append(_table(("parameter", "in", "type", "meaning"), rows))
    body = _body(operation)
    if body is not None:
        parts.append(f"<p>Body: {_type(body['schema'])}</p>")
    answers = [
        (status, answer["description"], _type(next(iter(answer["content"].values()))["schema"]))
        if "content" in answer
        else (status, answer["description"], "")
        for status, answer in operation["responses"].items()
    ]
    parts.append(f"<pre>{escape(_curl(method, path, operation))}</pre>")
    parts.append(_table(("status", "meaning", "body"), [(s, _linked(m), t) for s, m, t in answers]))
    return "".join(parts)


def _schema(name: str, schema: Document) -> str:
    required = set(schema.get("required", ()))
    rows = [
        (field, _type(of), "required" if field in required else "", _text(of.get("description", "")))
        for field, of in schema.get("properties", {}).items()
    ]
    return f'<h3 id="{escape(name)}">{escape(name)}</h3><p>{_text(schema.get("description", ""))}</p>' + _table(
        ("field", "type", "", "meaning"), rows
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Rows whose first cell is a name; the other cells are HTML already."""
    titles = "".join(f"<th>{title}</th>" for title in head)
    lines = "".join(
        f"<tr><td><code>{escape(name)}</code></td>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
        for name, *cells in rows
    )
    return f'<div class="wide"><table><tr>{titles}</tr>{lines}</table></div>'


def _type(schema: Document) -> str:
    """A schema in a few words, with links to the messages it names."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#{escape(name)}">{escape(name)}</a>'
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return " or ".join(_type(one) for one in schema[choice])
    if "enum" in schema:
        return " | ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    kind = str(schema.get("format", schema.get("type", "any")))
    return escape(", ".join([kind, *_limits(schema)]))


def _limits(schema: Document) -> Iterator[str]:
    if "minimum" in schema or "maximum" in schema:
        yield " ".join(
            f"{word} {schema[key]}" for key, word in (("minimum", "from"), ("maximum", "to")) if key in schema
        )
    if "maxLength" in schema:
        yield f"{schema.get('minLength', 0)} to {schema['maxLength']} characters"
    if "pattern" in schema:
        yield f"like {schema['pattern']}"


def _body(operation: Document) -> Document | None:
    """The first kind of body the operation takes, with its `kind`."""
    content: Document = operation.get("requestBody", {}).get("content", {})
    return next(({**body, "kind": kind} for kind, body in content.items()), None)


def _curl(method: str, path: str, operation: Document) -> str:
    for name, value in _SAMPLE_ID.items():
        path = path.replace(f"{{{name}}}", value)
    head = f"curl {'' if method == 'get' else f'-X {method.upper()} '}{_LOCAL}{path}"
    lines = [head]
    if "x-scope" in operation:
        lines.append('-H "Authorization: Bearer $AURORA_KEY"')
    body = _body(operation)
    if body is not None:
        examples = (
            [body["example"]] if "example" in body else [one["value"] for one in body.get("examples", {}).values()]
        )
        example = examples[0] if examples else {}
        lines += [f'-H "Content-Type: {body["kind"]}"', f"-d '{json.dumps(example)}'"]
    return " \\\n  ".join(lines)


def _text(text: str) -> str:
    """Plain text with `code` in it."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))


def _linked(text: str) -> str:
    return re.sub(r"(/problems/[a-z-]+)", r'<a href="\1">\1</a>', escape(text))


def _anchor(method: str, path: str) -> str:
    return method + re.sub(r"[^a-z0-9]+", "-", path.lower())
