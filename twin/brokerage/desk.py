"""What compliance and the two communication assistants hand over: papers, consents, hits, checks, messages."""

from __future__ import annotations

import numpy as np
import polars as pl

from twin.brokerage import books, paperwork, talk
from twin.brokerage.draws import Flags
from twin.brokerage.life import Life
from twin.cases import party_cases


def hand_over_desk(life: Life) -> None:
    """Documents, consents, list hits, suspicions, checks, standings, lists; messages and their counts."""
    draw, rows, plant = life.frame.draws("brokerage/desk"), life.register.rows["twin_laila"], life.ledger.plant
    ids_of, source = life.register.ids["twin_laila"], "twin_laila"
    papers = paperwork.documents(draw, life.deals, buyer=ids_of, seller=ids_of, end=life.end)
    health = paperwork.health_papers(draw, max(30, life.frame.count(90)), start=life.early, end=life.end)
    filed = paperwork.numbered(pl.concat([papers, health], how="diagonal").sort("filed_at", maintain_order=True))
    life.hand(source, "document", plant(filed, source, "document", party_cases.document_cases()))
    life.consents = paperwork.consents(draw, rows, end=life.end)
    life.hand(source, "consent", life.consents)
    applicants = ids_of.gather(life.cast.applicants)
    hit, suspect = (
        applicants.gather(np.sort(draw.choice(len(applicants), count, replace=False)))
        for count in (max(90, life.frame.count(170)), max(45, life.frame.count(70)))
    )
    hits = paperwork.screening_hits(draw, hit, start=life.early, end=life.end)
    life.hand(source, "screening_hit", plant(hits, source, "screening_hit", party_cases.hit_cases(life.ledger)))
    suspicions = paperwork.suspicions(draw, suspect, start=life.early, end=life.end)
    suspicions = plant(suspicions, source, "suspicion", party_cases.suspicion_cases())
    life.hand(source, "suspicion", suspicions)
    life.hand(source, "regulatory_check", books.checks(life.deals, end=life.end))
    for standing in books.standings(start=life.start, end=life.end).partition_by("assistant_id", maintain_order=True):
        life.hand(f"twin_{standing['assistant_id'][0]}", "compliance_status", standing)
    life.hand("twin_screening", "sanctions_list", paperwork.sanctions_lists(last_list_at=life.register.last_list_at))
    _tell_of_messages(life, suspicions)


def _tell_of_messages(life: Life, suspicions: pl.DataFrame) -> None:
    draw, everybody = life.frame.draws("brokerage/messages"), life.cast.people.rows
    out, objects = (everybody[name].to_numpy() for name in ("is_marketing_opt_out", "has_objected"))
    askers = life.cast.askers
    sent = talk.messages(
        draw,
        life.funnel,
        party=life.party,
        clients=life.cast.walk_ins,
        may_advertise=askers[~(out | objects)[askers]],
        start=life.start,
        end=life.end,
    )
    cases = party_cases.message_cases(
        open_subject=_first(suspicions, pl.col("suspicion_status") == "open"),
        dismissed_subject=_first(suspicions, pl.col("suspicion_status") == "dismissed"),
        opted_out=_someone(life, out & ~objects),
        objecting=_someone(life, objects & ~out),
    )
    for assistant in ("linda", "nina"):
        mine, source = sent.filter(pl.col("assistant_id") == assistant), f"twin_{assistant}"
        if assistant == "nina":
            mine = life.ledger.plant(mine, source, "message", cases)
        life.hand(source, "message", mine)
        life.hand(source, "message_stat", talk.message_stats(draw, mine).with_columns(_own_ids(assistant)))


def _own_ids(assistant: str) -> pl.Expr:
    return pl.format(f"{assistant}-{{}}", "message_stat_id").alias("message_stat_id")


def _first(suspicions: pl.DataFrame, where: pl.Expr) -> str:
    return str(suspicions.filter(where & ~pl.col("_case"))["party_id"][0])


def _someone(life: Life, where: Flags) -> str:
    """A client of sales for whom the flag is set."""
    clients = np.concatenate((life.cast.askers, life.cast.walk_ins))
    return str(life.party[int(clients[where[clients]][0])])
