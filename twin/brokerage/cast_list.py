"""Who takes part in the brokerage's life: the people by the part they play, and the ids that systems gave them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from twin.brokerage.draws import DAY, Ints, arrivals
from twin.brokerage.parties import parties, party_ids
from twin.brokerage.people import People, people
from twin.frame import LEADS, Frame

_AGAIN_SHARE = 0.06
"""Of the leads: from somebody who had enquired before."""
_TWICE_SHARE = 0.02
"""Of the people that sales knows: written down twice."""


@dataclass(frozen=True, slots=True)
class CastList:
    """Numbers of people by part. `enquired` and `asker` are the leads' moments and people."""

    people: People
    enquired: Ints
    asker: Ints
    askers: Ints
    walk_ins: Ints
    owners: Ints
    developers: Ints
    tenants: Ints
    brokers: Ints
    applicants: Ints
    """Known to compliance alone: it looked into them, and nothing came of it yet."""


@dataclass(slots=True)
class Register:
    """The people as each system knows them: filled system by system, once it is clear whom it knows."""

    cast: CastList
    last_list_at: int
    end: int
    known: dict[str, Ints] = field(default_factory=dict)
    ids: dict[str, pl.Series] = field(default_factory=dict)
    rows: dict[str, pl.DataFrame] = field(default_factory=dict)

    def know(self, source: str, draw: np.random.Generator, persons: Ints) -> pl.Series:
        """Write down `persons` at a system; returns each person's id there."""
        cast = self.cast.people
        self.known[source] = persons
        self.ids[source] = party_ids(source, cast, persons)
        self.rows[source] = parties(draw, source, cast, persons, last_list_at=self.last_list_at, end=self.end)
        return self.ids[source]

    def truth(self) -> pl.DataFrame:
        """Which records are one person: source, party_id, person."""
        return pl.concat(
            rows.select(pl.lit(source).alias("source"), "party_id", "person") for source, rows in self.rows.items()
        )


def cast_list(frame: Frame, *, start: int, end: int) -> CastList:
    """Everybody, for a frame."""
    draw = frame.draws("brokerage/people")
    leads = frame.count(LEADS)
    enquired = arrivals(draw, frame, leads)
    is_new = draw.random(leads) >= _AGAIN_SHARE
    is_new[0] = True
    so_far = np.cumsum(is_new)
    asker = np.where(is_new, so_far - 1, (draw.random(leads) * so_far).astype(np.int64))
    sizes = {
        "askers": int(so_far[-1]),
        "walk_ins": max(150, frame.count(280)),
        "owners": max(260, frame.count(2600)),
        "tenants": max(160, frame.count(1200)),
        "brokers": max(12, frame.count(45)),
        "applicants": max(120, frame.count(240)),
    }
    bounds = np.cumsum([0, *sizes.values()])
    parts = {name: np.arange(bounds[place], bounds[place + 1]) for place, name in enumerate(sizes)}
    since = np.concatenate(
        (
            enquired[is_new],
            draw.integers(start - 60 * DAY, start - 46 * DAY, sizes["walk_ins"]),
            *(
                draw.integers(start - 200 * DAY, start - 61 * DAY, sizes[name])
                for name in ("owners", "tenants", "brokers", "applicants")
            ),
        )
    )
    shares = {"brokers": 0.0, "tenants": 0.0, "applicants": 0.3}
    company_share = np.repeat([shares.get(name, 0.05) for name in sizes], list(sizes.values()))
    everybody = people(draw, int(bounds[-1]), since=since, company_share=company_share, end=end)
    rows = _with_wishes(everybody.rows, parts["walk_ins"])
    everybody = replace(everybody, rows=_with_namesakes(rows, parts["brokers"]))
    owners = parts["owners"]
    developers = owners[everybody.is_company[owners]][:12]
    parts["owners"] = np.setdiff1d(owners, developers)
    return CastList(people=everybody, enquired=enquired, asker=asker, developers=developers, **parts)


def _with_wishes(rows: pl.DataFrame, clients: Ints) -> pl.DataFrame:
    """At least one client objects to marketing and another has opted out, in however small a life."""
    objecting, opted_out = (pl.col("person") == int(one) for one in clients[:2])
    return rows.with_columns(
        (pl.when(objecting | opted_out).then(objecting).otherwise("has_objected")).alias("has_objected"),
        (pl.when(objecting | opted_out).then(opted_out).otherwise("is_marketing_opt_out")).alias(
            "is_marketing_opt_out"
        ),
    )


def _with_namesakes(rows: pl.DataFrame, brokers: Ints) -> pl.DataFrame:
    """The last two brokers share a name, and nothing else: a trap for whoever joins on names."""
    one, other = int(brokers[-2]), int(brokers[-1])
    is_other = pl.col("person") == other
    return rows.with_columns(
        pl.when(is_other).then(pl.lit(rows[name][one])).otherwise(name).alias(name)
        for name in ("first", "middle", "last")
    )


def of_sales(draw: np.random.Generator, cast: CastList) -> Ints:
    """Whom sales has written down, some of them twice."""
    once = np.concatenate((cast.askers, cast.walk_ins))
    return np.concatenate((once, once[draw.random(len(once)) < _TWICE_SHARE]))
