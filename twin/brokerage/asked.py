"""The work that the brokerage's life asks of its fleet: what happens to leads, deals, units and the office itself.

A lead's journey, its sale included, is one case; so is a unit's listing, and a working day of each back office.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl

from twin.brokerage.draws import DAY, MINUTE, NEVER, Ints, arrivals, at_work, later, moments, named
from twin.brokerage.funnel import Funnel
from twin.frame import WORK_SCHEMA, Frame

_SENSITIVE: Final = ("kyc_check", "compliance_review", "regulator_report")
_INTERNAL: Final = (
    "availability_update", "listing_publication", "valuation", "campaign_planning", "data_quality_check", "payment_report",
)  # fmt: skip
_PUBLIC: Final = ("listing_copy", "market_research")
_PRIORITIES: Final = {
    "regulator_report": "critical", "kyc_check": "high", "compliance_review": "high", "lead_qualification": "high",
    "offer_drafting": "high", "contract_review": "high", "title_check": "high", "listing_copy": "low",
    "market_research": "low", "campaign_planning": "low", "data_quality_check": "low", "conversation_summary": "low",
    "hr_question": "low",
}  # fmt: skip
_OFFICE: Final = {
    # task type: how often in 90 days at scale 1, beside what leads, deals and units ask for
    "payment_report": 1900, "market_research": 2600, "campaign_planning": 420, "data_quality_check": 2500,
    "hr_question": 1500, "support_request": 2800, "valuation": 2600, "transaction_reconciliation": 3000,
}  # fmt: skip
TASK_TYPES: Final = frozenset(
    {*_SENSITIVE, *_INTERNAL, *_PUBLIC, *_PRIORITIES, *_OFFICE}
    | {"message_triage", "lead_follow_up", "client_messaging", "property_matching", "viewing_scheduling"}
)
"""Every type of task that is asked for."""
CASE_PREFIXES: Final = {"lead": "case-L", "deal": "case-D", "unit": "case-U", "office": "case-O"}


@dataclass(slots=True)
class Asked:
    """Tasks as they come to mind: in no order yet."""

    draw: np.random.Generator
    end: int
    parts: list[pl.DataFrame] = field(default_factory=list)

    def ask(
        self,
        task_type: str,
        us: Ints,
        case: pl.Series,
        subject: pl.Series | None = None,
        *,
        share: float = 1.0,
        after_h: float = 0.05,
    ) -> None:
        """Ask for a task some time after each moment that came, for a share of them."""
        here = np.flatnonzero((us != NEVER) & (self.draw.random(len(us)) < share))
        when = later(self.draw, us[here], median_h=after_h)
        said = subject.gather(here) if subject is not None else pl.Series([None] * len(here), dtype=pl.String)
        rows = pl.DataFrame({"us": when, "case_id": case.gather(here), "subject_id": said})
        self.parts.append(rows.filter(pl.col("us") < self.end).with_columns(pl.lit(task_type).alias("task_type")))


def work(
    frame: Frame,
    draw: np.random.Generator,
    made: Funnel,
    sales: pl.DataFrame,
    listed: pl.DataFrame,
    *,
    party: pl.Series,
    start: int,
    end: int,
) -> pl.DataFrame:
    """All tasks in the order of time. `sales` are the deals with their hidden moments, `listed` the listings."""
    asked = Asked(draw, end)
    _of_leads(asked, made, party)
    _of_deals(asked, sales, party)
    _of_units(asked, listed, start=start)
    _of_the_office(asked, frame, start=start)
    rows = pl.concat(asked.parts).filter(pl.col("us") >= start).sort("us", "case_id", "task_type")
    kind = pl.col("task_type")
    return rows.select(
        "case_id",
        "task_type",
        moments(rows["us"].to_numpy()).alias("requested_at"),
        kind.replace_strict(_PRIORITIES, default="medium", return_dtype=pl.String).alias("priority"),
        pl.when(kind.is_in(_SENSITIVE))
        .then(pl.lit("sensitive"))
        .when(kind.is_in(_INTERNAL))
        .then(pl.lit("internal"))
        .when(kind.is_in(_PUBLIC))
        .then(pl.lit("public"))
        .otherwise(pl.lit("personal"))
        .alias("privacy_class"),
        "subject_id",
    ).cast(dict(WORK_SCHEMA))  # type: ignore[arg-type]


def lead_cases(count: int) -> pl.Series:
    """Case of each lead."""
    return named(CASE_PREFIXES["lead"], np.arange(1, count + 1))


def deal_cases(count: int) -> pl.Series:
    """Case of each deal that came without a lead, by the place of all deals."""
    return named(CASE_PREFIXES["deal"], np.arange(1, count + 1))


def _of_leads(asked: Asked, made: Funnel, party: pl.Series) -> None:
    case, who = lead_cases(made.count), party.gather(made.person)
    last = np.maximum.reduce([made.contacted, made.qualified, made.viewed, made.offered])
    for task_type, us, share, after_h in (
        ("message_triage", made.enquired, 1.0, 0.02),
        ("lead_qualification", made.enquired, 1.0, 0.08),
        ("lead_follow_up", made.enquired, 0.52, 2.0),
        ("client_messaging", made.contacted, 0.7, 0.3),
        ("lead_follow_up", made.contacted, 0.36, 30.0),
        ("message_triage", made.contacted, 0.22, 8.0),
        ("property_matching", made.contacted, 0.3, 1.0),
        ("property_matching", made.qualified, 1.0, 0.4),
        ("client_messaging", made.qualified, 0.5, 6.0),
        ("viewing_scheduling", made.qualified, 0.85, 5.0),
        ("viewing_scheduling", made.viewed, 0.25, 12.0),
        ("lead_follow_up", made.viewed, 0.6, 5.0),
        ("property_matching", made.viewed, 0.35, 9.0),
        ("offer_drafting", made.offered, 1.0, 0.2),
        ("offer_drafting", made.offered, 0.35, 20.0),
        ("client_messaging", made.offered, 0.8, 4.0),
        ("valuation", made.offered, 0.4, 1.0),
        ("conversation_summary", last, 0.3, 10.0),
        ("lead_follow_up", made.lost, 0.18, 200.0),
    ):
        asked.ask(task_type, us, case, who, share=share, after_h=after_h)


def _of_deals(asked: Asked, sales: pl.DataFrame, party: pl.Series) -> None:
    lead, buyer = sales["_lead"], sales["_buyer"]
    case = named(CASE_PREFIXES["lead"], lead.to_numpy() + 1).zip_with(lead >= 0, deal_cases(len(lead)))
    who = party.gather(buyer)
    at = {
        name: sales[f"_{name}"].to_numpy()
        for name in ("started", "reservation", "mou", "spa", "payment", "transfer", "closed", "first_us")
    }
    signed = np.maximum(at["mou"], at["spa"])
    for task_type, us, share, after_h in (
        ("kyc_check", at["started"], 1.0, 0.2),
        ("kyc_check", at["started"], 0.9, 3.0),
        ("title_check", at["started"], 0.95, 6.0),
        ("contract_review", at["reservation"], 1.0, 4.0),
        ("contract_review", signed, 0.8, 5.0),
        ("compliance_review", at["reservation"], 1.0, 1.0),
        ("compliance_review", at["payment"], 0.9, 2.0),
        ("transaction_reconciliation", at["first_us"], 1.0, 6.0),
        ("transaction_reconciliation", at["payment"], 1.0, 8.0),
        ("transaction_reconciliation", at["closed"], 1.0, 12.0),
        ("payment_report", at["payment"], 0.8, 20.0),
        ("availability_update", at["reservation"], 1.0, 0.5),
        ("availability_update", at["closed"], 1.0, 1.0),
        ("client_messaging", at["reservation"], 1.0, 2.0),
        ("client_messaging", at["payment"], 1.0, 4.0),
        ("client_messaging", at["closed"], 0.9, 5.0),
        ("support_request", at["closed"], 0.6, 150.0),
        ("conversation_summary", at["closed"], 0.7, 9.0),
    ):
        asked.ask(task_type, us, case, who, share=share, after_h=after_h)
    filed = np.where(sales["rear_filed_at"].is_not_null().to_numpy(), at["first_us"], NEVER)
    asked.ask("regulator_report", filed, case, who, after_h=1.0)


def _of_units(asked: Asked, listed: pl.DataFrame, *, start: int) -> None:
    case = named(CASE_PREFIXES["unit"], listed["_unit"].to_numpy() + 1)
    born = listed["_listed_us"].to_numpy()
    fresh = np.where(born >= start - 2 * DAY, born, NEVER)
    for task_type, us, share, after_h in (
        ("valuation", fresh, 0.7, 4.0),
        ("listing_copy", fresh, 1.0, 8.0),
        ("listing_copy", fresh, 0.4, 40.0),
        ("listing_publication", fresh, 1.0, 30.0),
        ("availability_update", fresh, 0.5, 60.0),
    ):
        asked.ask(task_type, us, case, share=share, after_h=after_h)
    draw, weeks = asked.draw, max(1, int((asked.end - start) // (7 * DAY)))
    for task_type, a_week in (("availability_update", 0.09), ("listing_copy", 0.03)):
        many = draw.poisson(a_week * weeks, len(born))
        which = np.repeat(np.arange(len(born)), many)
        when = at_work(draw, draw.integers(start, asked.end, len(which)))
        asked.ask(task_type, np.where(when >= born[which], when, NEVER), case.gather(which), after_h=0.05)


def _of_the_office(asked: Asked, frame: Frame, *, start: int) -> None:
    for place, (task_type, often) in enumerate(_OFFICE.items()):
        us = at_work(asked.draw, arrivals(asked.draw, frame, frame.count(often)))
        us = np.minimum(us, asked.end - MINUTE)
        day = (us - start) // DAY
        asked.ask(task_type, us, named(CASE_PREFIXES["office"], place * 1000 + day), after_h=0.02)
