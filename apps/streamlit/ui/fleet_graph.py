"""The fleet as a picture: who needs whom, who stands in for whom, over which edges work is handed on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import streamlit as st

from apps.streamlit.reads.fleet import State
from apps.streamlit.ui.fleet_words import state_word
from aurora.packs.assistants import Assistant

_LINE, _BACKUP = "#8a8f98", "#3b82d6"
"""Read on the light and on the dark ground alike."""
_FILL: Mapping[State, str] = {
    "active": "#d7f0e4", "degraded": "#ffe3c2", "down": "#ffd2d2", "disabled": "#dfe3e6", "paused": "#d7e6f7",
    "unseen": "#eef1f3",
}  # fmt: skip


def dependency_graph(assistants: Iterable[Assistant], states: Mapping[str, State], *, about: str | None = None) -> None:
    """Arrows from who needs to who is needed, dashed ones to the backup; only `about` and its neighbours when given."""
    shown = {one.assistant_id: one for one in assistants}
    edges = [(one.assistant_id, needed, "needs") for one in shown.values() for needed in one.depends_on]
    edges += [
        (one.assistant_id, one.backup_assistant_id, "backup") for one in shown.values() if one.backup_assistant_id
    ]
    edges = [edge for edge in edges if edge[0] in shown and edge[1] in shown and (about is None or about in edge[:2])]
    named = {name for edge in edges for name in edge[:2]} | ({about} if about else set())
    lines = [_node(shown[name], states.get(name, "unseen"), is_bold=name == about) for name in sorted(named)]
    lines += [_edge(*edge) for edge in edges]
    head = (
        f"rankdir={'LR' if about else 'TB'}; bgcolor=transparent; nodesep=0.25; ranksep=0.5; "
        'node [shape=box, style="filled,rounded", fontname="Helvetica", fontsize=12, fontcolor="#10201f", '
        f'color="{_LINE}"]; edge [fontname="Helvetica", fontsize=10, fontcolor="{_LINE}", color="{_LINE}"];'
    )
    st.graphviz_chart(f"digraph fleet {{ {head} {' '.join(lines)} }}", width="stretch")


def _node(assistant: Assistant, state: State, *, is_bold: bool) -> str:
    label = f"{_safe(assistant.assistant_name)}\\n{_safe(assistant.role)}\\n{state_word(state)}"
    return f'"{assistant.assistant_id}" [label="{label}", fillcolor="{_FILL[state]}", penwidth={3 if is_bold else 1}];'


def _edge(start: str, end: str, kind: str) -> str:
    look = f'style=dashed, color="{_BACKUP}", fontcolor="{_BACKUP}", label="backup"' if kind == "backup" else ""
    return f'"{start}" -> "{end}" [{look}];'


def _safe(text: str) -> str:
    return text.replace("\\", "").replace('"', "'")
