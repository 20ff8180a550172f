"""What employees said to ChatGPT, as its data export has it: conversations, and the thumbs they gave."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import polars as pl

_QUESTIONS: Final = (
    "Which areas have two-bedroom flats near the sea for less than two million dirhams?",
    "Please shorten this listing and keep the permit number at its end.",
    "What does a buyer pay on top of the price, and who collects it?",
    "Sum up the last meeting of the sales team in five lines.",
    "How do I explain a payment plan of an off-plan unit to a first-time buyer?",
)
_ANSWERS: Final = (
    "Dubai Marina, Jumeirah Village Circle and Business Bay have some; look at the service charges as well.",
    "Bright two-bedroom flat with a view of the marina, upgraded kitchen, two parking spaces. The permit follows.",
    "The transfer fee of the Land Department, the trustee's fee, the agent's commission with VAT, and the mortgage fee.",
    "Leads are up, viewings are down. Two agents were assigned to the new project. The next meeting is on Monday.",
    "You pay a part now, a part while it is built and the rest at handover; each part is tied to a stage of the works.",
)


def conversations(rows: pl.DataFrame) -> bytes:
    """ChatGPT's data export; `rows` are answers as `twin/fleet/chatgpt.py` makes them."""
    talks = rows.partition_by("conversation_id", maintain_order=True)
    return b"[" + b",\n".join(msgspec.json.encode(_talk(talk.to_dicts())) for talk in talks) + b"]\n"


def _talk(answers: list[dict[str, Any]]) -> dict[str, Any]:
    talk = answers[0]["conversation_id"]
    above = f"{talk}-root"
    nodes: dict[str, Any] = {above: {"id": above, "message": None, "parent": None, "children": []}}
    for row in answers:
        ended = row["occurred_at"].timestamp()
        asked = f"{talk}-q{row['place']}"
        for key, role, said, at in (
            (asked, "user", _QUESTIONS[row["topic"]], ended - row["duration_ms"] / 1000),
            (row["message_id"], "assistant", _ANSWERS[row["topic"]], ended),
        ):
            nodes[above]["children"].append(key)
            nodes[key] = _node(key, above, role, said, at)
            above = key
    return {
        "title": "simulated",
        "create_time": answers[0]["occurred_at"].timestamp() - answers[0]["duration_ms"] / 1000,
        "update_time": answers[-1]["occurred_at"].timestamp(),
        "mapping": nodes,
        "current_node": above,
        "conversation_id": talk,
        "default_model_slug": "gpt-5",
        "gizmo_id": None,
    }


def _node(key: str, parent: str, role: str, said: str, at: float) -> dict[str, Any]:
    message = {
        "id": key,
        "author": {"role": role, "name": None, "metadata": {}},
        "create_time": at,
        "content": {"content_type": "text", "parts": [said]},
        "status": "finished_successfully",
        "metadata": {"model_slug": "gpt-5"} if role == "assistant" else {},
        "recipient": "all",
    }
    return {"id": key, "message": message, "parent": parent, "children": []}


def feedback(rows: pl.DataFrame) -> bytes:
    """ChatGPT's thumbs."""
    thumbs = [
        {
            "message_id": row["message_id"],
            "conversation_id": row["conversation_id"],
            "user_id": row["user_id"],
            "rating": row["rating"],
            "content": "{}",
            "create_time": row["occurred_at"].isoformat(),
            "workspace_id": None,
        }
        for row in rows.iter_rows(named=True)
    ]
    return msgspec.json.encode(thumbs)
