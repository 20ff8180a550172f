"""Langfuse's scores as evaluations: who judged what, and how.

`ANNOTATION` is a person's, `EVAL` a language model's; `API` may be anybody's and says nothing. The value of a text
score means nothing, its text is a note; a category's value is its place in a list, its text the label.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from aurora.ingest import foreign
from aurora.ingest.foreign import Values, WrongValueError
from aurora.ingest.langfuse import camel

_EVALUATORS: Final = {"ANNOTATION": "human", "EVAL": "llm"}
_SOURCES: Final = ("API", "ANNOTATION", "EVAL")


def evaluation_values(score: Mapping[str, Any]) -> Values:
    """The score as an evaluation. `WrongValueError` where it cannot be told."""
    seen = {camel(key): value for key, value in score.items()}
    own = foreign.text(seen.get("id"), "evaluation_id")
    if own is None:
        raise WrongValueError("evaluation_id", None, "the score's id")
    source = foreign.text(seen.get("source"), "evaluator_kind")
    if source is not None and source not in _SOURCES:
        raise WrongValueError("evaluator_kind", source, f"one of {', '.join(_SOURCES)}")
    kind = foreign.text(seen.get("dataType"), "score_value")
    label = foreign.text(seen.get("stringValue"), "score_label")
    note = foreign.text(seen.get("comment"), "note")
    at = foreign.text(foreign.first(seen, ("timestamp", "createdAt")), "occurred_at")
    is_text = kind == "TEXT"
    return {
        "evaluation_id": f"langfuse:{own}",
        "source_record_id": own,
        "occurred_at": at,
        "updated_at": foreign.text(seen.get("updatedAt"), "updated_at") or at,
        "evaluation_name": foreign.text(seen.get("name"), "evaluation_name"),
        "score_value": None if is_text else foreign.number(seen.get("value"), "score_value"),
        "score_label": None if is_text else label,
        "evaluator_kind": _EVALUATORS.get(source or ""),
        "evaluated_record_id": foreign.text(seen.get("observationId"), "evaluated_record_id"),
        "trace_id": foreign.text(seen.get("traceId"), "trace_id"),
        "conversation_id": foreign.text(seen.get("sessionId"), "conversation_id"),
        "note": note or (label if is_text else None),
    }
