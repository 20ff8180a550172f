"""What the API and its ingest processes say to each other: one line of JSON a group, one line back."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from aurora.ingest.spool import SpooledBody

Verdicts = Literal["all", "errors", "none"]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One body to ingest."""

    file: str
    batch_id: str
    source: str
    contract: str
    source_format: str | None
    wanted: Verdicts


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a body: the counts of its batch, or why it was refused as a whole."""

    batch_id: str = ""
    quarantined: int = 0
    code: str = ""
    message: str = ""
    next_step: str = ""
    field: str | None = None
    rule: str | None = None


JOBS: Final = msgspec.json.Decoder(list[Job])
ANSWERS: Final = msgspec.json.Decoder(list[Answer])


def job_of(body: SpooledBody, wanted: Verdicts) -> Job:
    """What the worker is told of a body in the spool."""
    about = body.about
    return Job(
        file=str(body.file),
        batch_id=body.batch_id,
        source=about.source,
        contract=about.contract,
        source_format=about.source_format,
        wanted=wanted,
    )
