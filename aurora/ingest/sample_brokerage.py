"""A made-up brokerage as three of its systems know it: Clara (sales), Mary (inventory), Theodora (finance).

The same people and units appear in each under an id of its own, with the variants that real systems hold:
spellings, Arabic names, phones written in four ways, ids that are missing, values that are stale. `truth` says
which records are one; it is for judging what matching finds and is never written out.
The same seed and moment give the same brokerage.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from aurora.ingest.sample_names import FIRST, LAST, PROJECTS, Spellings

Row = dict[str, Any]
Key = tuple[str, str]
"""System and id."""

SYSTEMS: Final = ("clara", "mary", "theodora")
_COUNTRIES: Final = ("AE", "AE", "IN", "IN", "PK", "GB", "RU", "EG", "CN", "LB")
_HOMONYM_SHARE: Final = 0.06
_RELATIVE_SHARE: Final = 0.06
"""Of the people: same name as somebody else, nothing else in common; same last name and the same telephone."""
_TWICE_SHARE: Final = 0.03
_STATUSES: Final = ("available", "available", "reserved", "sold", "rented")


@dataclass(slots=True)
class Brokerage:
    """Rows by system and contract, and the truth behind them."""

    rows: dict[Key, list[Row]] = field(default_factory=dict)
    truth: dict[str, dict[Key, int]] = field(default_factory=lambda: {"party": {}, "property": {}})
    """For each kind, the number of the person or unit behind each record (system, id)."""
    ids: dict[tuple[str, int], str] = field(default_factory=dict)
    """A person's first id at a system."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Person:
    number: int
    words: tuple[Spellings, ...]
    country: str
    birth_date: dt.date
    emirates_id: str
    passport_no: str
    phone: str
    email: str
    iban: str


def brokerage(*, seed: int, until: dt.datetime, people: int = 240, units: int = 90) -> Brokerage:
    """The brokerage at the moment `until`."""
    draw = random.Random(seed)
    made = Brokerage()
    persons = _people(draw, people)
    for person in persons:
        _record_person(draw, made, person, until=until)
    for number in range(units):
        _record_unit(draw, made, number, draw.choice(persons), until=until)
    _record_deals(draw, made, persons, until=until)
    return made


# people ---------------------------------------------------------------------------------------


def _people(draw: random.Random, how_many: int) -> list[_Person]:
    persons: list[_Person] = []
    for number in range(how_many):
        fate, other = draw.random(), draw.choice(persons) if persons else None
        if other and fate < _HOMONYM_SHARE:
            persons.append(_person(draw, number, other.words, country=other.country))
        elif other and fate < _HOMONYM_SHARE + _RELATIVE_SHARE:
            words = (draw.choice([one for one in FIRST if one != other.words[0]]), other.words[-1])
            relative = _person(draw, number, words, country=other.country)
            persons.append(replace(relative, phone=other.phone))
        else:
            persons.append(_person(draw, number, _name(draw), country=None))
    return persons


def _name(draw: random.Random) -> tuple[Spellings, ...]:
    middle = (draw.choice(FIRST),) if draw.random() < 0.45 else ()
    return (draw.choice(FIRST), *middle, draw.choice(LAST))


def _person(draw: random.Random, number: int, words: tuple[Spellings, ...], *, country: str | None) -> _Person:
    born = dt.date(1950, 1, 1) + dt.timedelta(days=draw.randrange(55 * 365))
    return _Person(
        number=number,
        words=words,
        country=country or draw.choice(_COUNTRIES),
        birth_date=born,
        emirates_id=_emirates_id(draw, born.year),
        passport_no=f"{draw.choice('ABCEGHKLMNPRSTVXYZ')}{draw.randrange(10**7):07d}",
        phone=f"5{draw.choice('0245689')}{draw.randrange(10**7):07d}",
        email=f"{words[0][0][0]}.{words[-1][0][0]}{number}@example.com".lower().replace(" ", ""),
        iban=_iban(draw),
    )


def _emirates_id(draw: random.Random, year: int) -> str:
    digits = f"784{year}{draw.randrange(10**7):07d}"
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    check = (10 - total % 10) % 10
    return f"784-{year}-{digits[7:]}-{check}"


def _iban(draw: random.Random) -> str:
    account = f"{draw.choice((33, 26, 20, 44)):03d}{draw.randrange(10**16):016d}"
    check = 98 - int(f"{account}101400") % 97  # A is 10, E is 14
    return f"AE{check:02d}{account}"


def _written_name(draw: random.Random, person: _Person, *, is_formal: bool) -> str:
    words = person.words if is_formal or draw.random() < 0.3 else (person.words[0], person.words[-1])
    spelled = [word[0][0] if is_formal and draw.random() < 0.6 else draw.choice(word[0]) for word in words]
    name = " ".join(spelled)
    return name.upper() if draw.random() < 0.08 else name


def _arabic_name(person: _Person) -> str:
    return " ".join(word[1] for word in person.words)


def _written_phone(draw: random.Random, phone: str) -> str:
    form = draw.choice(("+971 {0} {1} {2}", "0{0}{1}{2}", "00971{0}{1}{2}", "+971{0}{1}{2}", "0{0} {1} {2}"))
    return form.format(phone[:2], phone[2:5], phone[5:])


def _record_person(draw: random.Random, made: Brokerage, person: _Person, *, until: dt.datetime) -> None:
    known = [system for system, share in (("clara", 0.85), ("theodora", 0.55), ("mary", 0.35)) if draw.random() < share]
    for system in known or ["clara"]:
        for _ in range(2 if system == "clara" and draw.random() < _TWICE_SHARE else 1):
            row = {"clara": _at_clara, "mary": _at_mary, "theodora": _at_theodora}[system](draw, person)
            _keep(made, system, "party", person.number, row | {"updated_at": _moment(draw, until)})


def _at_clara(draw: random.Random, person: _Person) -> Row:
    """Sales: how people say their name, phone and e-mail, seldom a paper."""
    is_arabic = draw.random() < 0.06
    return {
        "party_kind": "natural",
        "full_name": None if is_arabic else _written_name(draw, person, is_formal=False),
        "full_name_ar": _arabic_name(person) if is_arabic else None,
        "country": person.country if draw.random() < 0.7 else None,
        "birth_date": person.birth_date.isoformat() if draw.random() < 0.3 else None,
        "phone": _written_phone(draw, person.phone) if draw.random() < 0.92 else None,
        "email": _typed(draw, person.email) if draw.random() < 0.7 else None,
        "emirates_id": person.emirates_id if draw.random() < 0.25 else None,
        "preferred_location": draw.choice(PROJECTS)[2],
        "budget_aed": str(draw.randrange(8, 90) * 100_000),
        "is_marketing_opt_out": draw.random() < 0.1,
    }


def _at_mary(draw: random.Random, person: _Person) -> Row:
    """Inventory: owners, with one way to reach them; the number may be an old one."""
    is_old = draw.random() < 0.12
    phone = f"5{draw.choice('0568')}{draw.randrange(10**7):07d}" if is_old else person.phone
    return {
        "party_kind": "natural",
        "full_name": _written_name(draw, person, is_formal=False),
        "country": person.country if draw.random() < 0.4 else None,
        "phone": _written_phone(draw, phone) if draw.random() < 0.75 else None,
        "email": person.email if draw.random() < 0.5 else None,
    }


def _at_theodora(draw: random.Random, person: _Person) -> Row:
    """Finance: formal names in both scripts, papers, bank; a phone that is sometimes stale."""
    is_old = draw.random() < 0.1
    phone = f"5{draw.choice('0568')}{draw.randrange(10**7):07d}" if is_old else person.phone
    return {
        "party_kind": "natural",
        "full_name": _written_name(draw, person, is_formal=True),
        "full_name_ar": _arabic_name(person) if draw.random() < 0.5 else None,
        "country": person.country,
        "birth_date": person.birth_date.isoformat() if draw.random() < 0.9 else None,
        "emirates_id": person.emirates_id if draw.random() < 0.8 else None,
        "passport_no": person.passport_no if draw.random() < 0.6 else None,
        "phone": _written_phone(draw, phone) if draw.random() < 0.8 else None,
        "email": person.email if draw.random() < 0.4 else None,
        "iban": person.iban if draw.random() < 0.7 else None,
        "risk_rating": draw.choice(("low", "low", "medium", "high")),
        "is_pep": draw.random() < 0.02,
    }


def _typed(draw: random.Random, email: str) -> str:
    return email.upper() if draw.random() < 0.1 else email


# units ----------------------------------------------------------------------------------------


def _record_unit(draw: random.Random, made: Brokerage, number: int, owner: _Person, *, until: dt.datetime) -> None:
    project, developer, location = PROJECTS[number % len(PROJECTS)]
    unit_no = f"{number // len(PROJECTS) // 12 + 1}{number // len(PROJECTS) % 12 + 1:02d}"
    deed = f"{draw.randrange(1000, 99999)}/{draw.randrange(2010, 2026)}"
    bedrooms = draw.choice((0, 1, 1, 2, 2, 3, 4))
    facts: Row = {
        "property_kind": draw.choice(("apartment", "apartment", "apartment", "townhouse", "penthouse")),
        "bedroom_count": bedrooms,
        "size_sqft": float(420 + bedrooms * 380 + draw.randrange(200)),
        "project_name": project,
        "location": location,
    }
    price = (700_000 + bedrooms * 600_000) + draw.randrange(60) * 10_000
    status = draw.choice(_STATUSES)
    mary = facts | {
        "developer_name": developer,
        "unit_no": unit_no,
        "title_deed_no": deed if draw.random() < 0.8 else None,
        "property_status": status,
        "price_aed": str(price),
        "is_off_plan": False,
        "is_area_freehold": True,
        "owner_party_id": _id_of(made, "mary", owner),
    }
    _keep(made, "mary", "property", number, mary | {"updated_at": _moment(draw, until)})
    if draw.random() < 0.7:
        clara = facts | {
            "unit_no": draw.choice((unit_no, f"Unit {unit_no}", f"#{unit_no}", f"Apt. {unit_no}")),
            "project_name": draw.choice((project, project.upper(), f"{project}s" if draw.random() < 0.2 else project)),
            "property_status": status if draw.random() < 0.85 else draw.choice(("available", "sold")),
            "price_aed": str(price if draw.random() < 0.8 else price + 50_000),
            "size_sqft": facts["size_sqft"] if draw.random() < 0.5 else None,
        }
        _keep(made, "clara", "property", number, clara | {"updated_at": _moment(draw, until)})
    if draw.random() < 0.4:
        theodora = {
            "property_kind": facts["property_kind"],
            "project_name": project,
            "title_deed_no": deed.replace("/", "-") if draw.random() < 0.8 else None,
            "unit_no": unit_no,
            "price_aed": str(price),
        }
        _keep(made, "theodora", "property", number, theodora | {"updated_at": _moment(draw, until)})


# deals ----------------------------------------------------------------------------------------


def _record_deals(draw: random.Random, made: Brokerage, persons: Iterable[_Person], *, until: dt.datetime) -> None:
    """Leads and deals of Clara, payments at Theodora."""
    buyers = [found for person in persons if (found := _id_of(made, "clara", person))]
    units = made.rows.get(("clara", "property"), [])
    for number, unit in enumerate(units):
        buyer = draw.choice(buyers)
        moment = _moment(draw, until)
        lead: Row = {
            "lead_id": f"C-L{number:04d}",
            "party_id": buyer,
            "property_id": unit["property_id"],
            "lead_status": "won" if unit["property_status"] == "sold" else "qualified",
            "channel": draw.choice(("portal", "instagram", "referral")),
            "enquired_at": moment,
            "updated_at": moment,
        }
        _add(made, "clara", "lead", lead)
        if unit["property_status"] != "sold":
            continue
        deal: Row = {
            "deal_id": f"C-D{number:04d}",
            "lead_id": lead["lead_id"],
            "property_id": unit["property_id"],
            "buyer_party_id": buyer,
            "deal_stage": draw.choice(("mou", "transfer", "closed")),
            "price_aed": unit["price_aed"],
            "updated_at": moment,
        }
        _add(made, "clara", "deal", deal)
        payment: Row = {
            "payment_id": f"T-PAY{number:04d}",
            "deal_id": deal["deal_id"],
            "amount_aed": str(int(int(deal["price_aed"]) * 0.1)),
            "payment_method": draw.choice(("bank_transfer", "cheque", "cash")),
            "received_at": moment,
            "updated_at": moment,
        }
        _add(made, "theodora", "payment", payment)


def _id_of(made: Brokerage, system: str, person: _Person) -> str | None:
    return made.ids.get((system, person.number))


def _keep(made: Brokerage, system: str, contract: str, number: int, row: Row) -> None:
    count = len(made.rows.get((system, contract), []))
    record_id = f"{system[0].upper()}-{'P' if contract == 'party' else 'U'}{count:05d}"
    made.truth[contract][system, record_id] = number
    if contract == "party":
        made.ids.setdefault((system, number), record_id)
    _add(made, system, contract, {f"{contract}_id": record_id} | row)


def _add(made: Brokerage, system: str, contract: str, row: Row) -> None:
    made.rows.setdefault((system, contract), []).append(row | {"is_sample": True})


def _moment(draw: random.Random, until: dt.datetime) -> str:
    moment = until - dt.timedelta(seconds=draw.randrange(86_400 * 300))
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
