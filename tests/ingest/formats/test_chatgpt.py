"""ChatGPT's export: the way through the graph, branches that were left, tokens that are only estimated, the manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from aurora.ingest.formats import chatgpt_export_json
from aurora.ingest.portions import SourceFile
from aurora.ingest.token_estimate import estimated_tokens

FORMAT, FEEDBACK = "chatgpt_export_json", "chatgpt_feedback_json"
START = 1_778_000_000.0


def node(key: str, parent: str | None, role: str | None, said: str = "", at: float | None = None, **more: Any):
    message = None
    if role:
        content = {"content_type": "text", "parts": [said]}
        message = {"id": key, "author": {"role": role}, "create_time": at, "content": content, "metadata": {}} | more
    return {"id": key, "message": message, "parent": parent, "children": []}


def talk(*nodes: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "title": "t",
        "create_time": START,
        "update_time": START + 90,
        "mapping": {one["id"]: one for one in nodes},
        "current_node": nodes[-1]["id"],
        "conversation_id": "c-1",
        "default_model_slug": "gpt-5",
        "gizmo_id": "g-7",
    } | changes


ROOT = node("root", None, None)
ASKED = node("q", "root", "user", "Where is the sea?", START)
FIRST = node("a1", "q", "assistant", "Perhaps in the north.", START + 2, metadata={"model_slug": "gpt-4o"})
AGAIN = node("a2", "q", "assistant", "West of Jumeirah Beach Road.", START + 40)
MORE = node("q2", "a2", "user", "Thank you very much.", START + 60)
LAST = node("a3", "q2", "assistant", "You are welcome.", START + 61.5)


def test_answers_on_the_way_and_off_it_are_told_apart(stage):
    found = stage(FORMAT, [talk(ROOT, ASKED, FIRST, AGAIN, MORE, LAST)])
    rows = found.usage
    assert [(row["source_record_id"], row["is_side_branch"]) for row in rows] == [
        ("a1", True),
        ("a2", False),
        ("a3", False),
    ]
    assert [row["request_model"] for row in rows] == ["gpt-4o", "gpt-5", "gpt-5"]
    assert [row["duration_ms"] for row in rows] == [2000, 40000, 1500]
    (conversation,) = found.rows["conversation"]
    assert (conversation["turn_count"], conversation["channel"], conversation["assistant_id"]) == (4, "chatgpt", "g-7")


def test_tokens_are_estimated_along_the_way_and_never_priced(stage):
    rows = stage(FORMAT, [talk(ROOT, ASKED, FIRST, AGAIN, MORE, LAST)]).usage
    question, again, thanks = (
        estimated_tokens(text) for text in ("Where is the sea?", "West of Jumeirah Beach Road.", "Thank you very much.")
    )
    assert [row["estimated_input_tokens"] for row in rows] == [question, question, question + again + thanks]
    assert rows[1]["estimated_output_tokens"] == again
    assert all("input_tokens" not in row and "output_tokens" not in row for row in rows)
    assert {(row["cost_source"], row.get("cost_usd")) for row in rows} == {("unpriced", None)}


def test_a_ring_of_parents_ends(read):
    ring = [node("a", "b", "assistant", "one", START), node("b", "a", "assistant", "two", START)]
    assert len(read(FORMAT, [talk(*ring)]).usage) == 2


def test_steps_without_words_are_no_answers_and_errors_are(read):
    silent = node("a1", "q", "assistant", "", START)
    failed = node("a2", "q", "assistant", "", START, content={"content_type": "system_error"})
    found = read(FORMAT, [talk(ROOT, ASKED, silent, failed)])
    assert [(row["source_record_id"], row["is_error"]) for row in found.usage] == [("a2", "true")]


def test_all_kinds_of_content_are_words(read):
    contents = [
        {"content_type": "code", "text": "print(1)"},
        {"content_type": "thoughts", "thoughts": [{"summary": "s", "content": "think of the sea"}]},
        {"content_type": "multimodal_text", "parts": [{"asset_pointer": "file://x"}, "a picture"]},
    ]
    nodes = [node(str(n), None, "assistant", at=START, content=one) for n, one in enumerate(contents)]
    rows = read(FORMAT, [talk(*nodes)]).usage
    assert all(int(row["estimated_output_tokens"]) > 1 for row in rows)
    assert len(rows) == 3


@pytest.mark.parametrize(
    "broken",
    [
        3,
        None,
        {"id": "x", "message": 5},
        {"id": "x", "message": {"content": {}}},
        node("x", "q", "assistant", "hi", at=[1]),  # type: ignore[arg-type]
        node("x", "q", "assistant", "hi", START, metadata=4),
    ],
)
def test_a_broken_message_is_refused_and_the_others_land(read, broken):
    document = talk(ROOT, ASKED, AGAIN)
    document["mapping"]["x"] = broken
    found = read(FORMAT, [document])
    assert [row["source_record_id"] for row in found.usage] == ["a2"]
    assert [one["row_number"] for one in found.refused] == [2]


def test_a_conversation_without_a_graph_is_refused(read):
    found = read(FORMAT, [talk(ROOT, mapping=[1]), talk(ROOT, ASKED, AGAIN, conversation_id="c-2")])
    assert [one["rule"] for one in found.refused] == ["known_shape"]
    assert len(found.usage) == 1


def test_a_part_that_the_manifest_lists_and_is_not_there_is_named(tmp_path: Path):
    manifest = tmp_path / "export_manifest.json"
    files = ["conversations-000.json", "conversations-001.json"]
    about = {"version": 1, "manifest_file": manifest.name}
    manifest.write_text(
        json.dumps(about | {"logical_files": {"conversations.json": {"files": files, "sharded": True}}})
    )
    (tmp_path / files[0]).write_text("[]")
    assert chatgpt_export_json.matches(manifest.read_bytes(), manifest.name)
    refused = pl.concat([one.refused for one in chatgpt_export_json.read(SourceFile(path=manifest))])
    assert refused["rule"].to_list() == ["missing_file"]
    assert files[1] in refused["reason"][0]


def test_thumbs_are_evaluations(stage):
    up = {"id": "m-1", "conversation_id": "c-1", "user_id": "u", "rating": "thumbsUp", "create_time": START}
    down = {
        "message_id": "m-2",
        "conversation_id": "c-1",
        "rating": "thumbs_down",
        "create_time": "2026-05-05T00:00:00Z",
        "content": '{"tags": ["inaccurate"], "text": "not so"}',
    }
    rows = stage(FEEDBACK, [up, down]).rows["evaluation"]
    assert [(row["score_value"], row["evaluated_record_id"]) for row in rows] == [(1.0, "m-1"), (0.0, "m-2")]
    assert rows[1]["note"] == "not so; inaccurate"


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("a", 1), ("Where is the sea?", 5), ("2026", 2), ("البحر", 3), ("東京", 2)]
)
def test_an_estimate_follows_the_letters(text, tokens):
    assert estimated_tokens(text) == tokens


def test_the_estimate_is_near_the_counts_of_real_answers(shared):
    said, counted = 0, 0
    for file in sorted((shared / "usage" / "provider_responses").glob("*.jsonl")):
        for line in file.read_text().splitlines():
            body = json.loads(line).get("response")
            choices = body.get("choices") if isinstance(body, dict) else None
            usage = (body.get("usage") or {}) if choices else {}
            message = choices[0].get("message") if isinstance(choices, list) and len(choices) == 1 else None
            is_plain = isinstance(message, dict) and isinstance(message.get("content"), str)
            hidden = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens")
            if is_plain and not message.get("tool_calls") and not hidden and usage.get("completion_tokens"):
                said += estimated_tokens(message["content"])
                counted += usage["completion_tokens"]
    assert counted > 10_000
    assert 0.9 < said / counted < 1.15
