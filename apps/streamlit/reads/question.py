"""A question to the lake: its SQL, the marts it needs, and the shape of the answer.

Where a mart is not built yet the answer is empty and has the same shape, so that a page needs no
special case for a young tenant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from apps.streamlit.reads.lake import Pin
from aurora.store.lake import LakeReader

TEXT, INT, REAL, DATE, BOOL = pl.String(), pl.Int64(), pl.Float64(), pl.Date(), pl.Boolean()
TIME = pl.Datetime("us", "UTC")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """SQL over `mart.*` and `raw.*`, with the columns and types of its answer."""

    sql: str
    shape: Mapping[str, pl.DataType]
    marts: tuple[str, ...] = field(default=())


def ask(lake: LakeReader, pin: Pin, question: Question, params: Mapping[str, object] | None = None) -> pl.DataFrame:
    """The answer, in the question's shape."""
    if not pin.has(*question.marts):
        return pl.DataFrame(schema=question.shape)
    return lake.query(question.sql, params or {}).select(
        pl.col(name).cast(kind) for name, kind in question.shape.items()
    )
