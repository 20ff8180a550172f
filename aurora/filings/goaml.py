"""goAML reports: their fields from records of the lake, and the XML that follows from the fields.

A field's path is its place in the XML, `[n]` telling repeated elements apart. Fields stand in the schema's order, so
that the XML is what they say, one after the other.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable
from typing import Final

from aurora.filings.kind import BY_PERSON, IN_COMPANY, NEVER_FILED, Parts, Source
from aurora.filings.records import Row
from contracts.messages.filings import FilingContent

SUBSET: Final = (
    "The XML is checked against Aurora's own subset of the UNODC goAML schema, as it is publicly described. The "
    "authority's schema, look-up codes and business rules are larger."
)
_SEALED: Final = re.compile(r"enc1:[0-9a-f]{16}:[a-z0-9_.]+:[A-Za-z0-9_\-]+")
PROTECTED: Final = "(protected)"
_STEP: Final = re.compile(r"(?P<tag>[a-z0-9_]+)(?:\[\d+\])?")


def covered(value: str) -> str:
    """A value as it may be shown: protected ones by a word."""
    return _SEALED.sub(PROTECTED, value)


def report_xml(content: FilingContent, shown: Callable[[str], str] = covered) -> bytes:
    """The report as XML, UTF-8, indented. `shown` opens protected values or covers them."""
    root = ET.Element("report")
    root.append(ET.Comment(f" DRAFT by Aurora, not filed. {SUBSET} "))
    places: dict[str, ET.Element] = {"": root}
    for one in content.fields:
        if one.value is not None:
            _place(one.path, places).text = shown(one.value)
    ET.indent(root)
    body: str = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'.encode()


def _place(path: str, places: dict[str, ET.Element]) -> ET.Element:
    if path in places:
        return places[path]
    above, _, last = path.rpartition(".")
    step = _STEP.fullmatch(last)
    tag = last if step is None else step["tag"]
    places[path] = ET.SubElement(_place(above, places), tag)
    return places[path]


def add_head(
    parts: Parts, source: Source, code: str, *, reason: str | None, action: str | None, acted_why: str
) -> None:
    """Fields of the report itself."""
    company, goaml = source.company, source.company.goaml
    person = company.reporting_person
    must = "The report is refused without it."
    parts.add("rentity_id", "Reporting entity", goaml.rentity_id, why="The number that goAML gave at registration.", where=f"goaml.rentity_id of {IN_COMPANY}", origin="company")  # fmt: skip
    parts.add("rentity_branch", "Branch", goaml.rentity_branch, why="Where there are several.", where=f"goaml.rentity_branch of {IN_COMPANY}", origin="company", mandatory=False)  # fmt: skip
    for path, label, value in (
        ("submission_code", "Submission", "E"),
        ("report_code", "Report", code),
        ("entity_reference", "Our reference", source.filing_id),
        ("submission_date", "Drafted", source.now),
        ("currency_code_local", "Currency", "AED"),
    ):
        parts.add(path, label, value, why=must, where="Aurora", origin="derived")
    for name in ("first_name", "last_name"):
        said = None if person is None else getattr(person, name)
        parts.add(f"reporting_person.{name}", f"Reporting person, {name.replace('_', ' ')}", said, why=must, where=f"reporting_person of {IN_COMPANY}", origin="company")  # fmt: skip
    parts.add("reason", "Reason", reason, why="What is reported and why.", where=BY_PERSON, origin="derived")
    parts.add("action", "Action taken", action, why=acted_why, where=BY_PERSON, origin="derived")


def add_party(parts: Parts, prefix: str, party: Row | None, party_id: str | None) -> None:
    """A person or company at `prefix`: `...person` or `...entity` is put behind it."""
    if party is not None and party["party_kind"] == "legal":
        _add_entity(parts, f"{prefix}entity", party)
    else:
        _add_person(parts, f"{prefix}person", party or {}, party_id)


def _add_entity(parts: Parts, path: str, party: Row) -> None:
    where = _record(party)
    parts.add(f"{path}.name", "Name of the company", party["full_name"], why="Who it is about.", where=where)
    parts.add(f"{path}.incorporation_country_code", "Country of incorporation", party["country"], why="Who it is about.", where=where)  # fmt: skip


def _add_person(parts: Parts, path: str, party: Row, party_id: str | None) -> None:
    where = _record(party) if party else f"a record of party {party_id or 'that the payment or deal names'}"
    first, _, last = (party.get("full_name") or "").strip().partition(" ")
    birth, country = party.get("birth_date"), party.get("country")
    emirates_id, passport = party.get("emirates_id"), party.get("passport_no")
    who = "Who it is about."
    parts.add(f"{path}.first_name", "First name", first, why=who, where=f"full_name of {where}")
    parts.add(f"{path}.last_name", "Last name", last, why=who, where=f"full_name of {where}")
    born = None if birth is None else f"{birth.isoformat()}T00:00:00"
    parts.add(f"{path}.birthdate", "Date of birth", born, why="Tells people of one name apart.", where=f"birth_date of {where}", mandatory=False)  # fmt: skip
    parts.add(f"{path}.passport_number", "Passport", passport, why="An identity document: this or the Emirates ID.", where=f"passport_no of {where}", mandatory=False)  # fmt: skip
    parts.add(f"{path}.passport_country", "Passport of", country if passport else None, why="Whose passport it is.", where=f"country of {where}", mandatory=False)  # fmt: skip
    parts.add(f"{path}.id_number", "Emirates ID", emirates_id, why="An identity document: this or the passport.", where=f"emirates_id of {where}", mandatory=not passport)  # fmt: skip
    parts.add(f"{path}.nationality1", "Nationality", country, why=who, where=f"country of {where}")


def _record(party: Row) -> str:
    return f"party {party['party_id']} at {party['source']}"


def add_transactions(parts: Parts, source: Source, deal: Row, payments: Iterable[Row], unit: Row | None) -> None:
    """A transaction a payment of the deal: from its payer to the seller."""
    records, at = source.records, deal["source"]
    seller = records.party(deal["seller_party_id"], at)
    for number, payment in enumerate(payments, start=1):
        payer_id = payment["payer_party_id"] or deal["buyer_party_id"]
        payer = records.party(payer_id, payment["source"] if payment["payer_party_id"] else at)
        _add_transaction(parts, source, f"transaction[{number}]", deal, payment, payer, payer_id, seller, unit)


def _add_transaction(
    parts: Parts,
    source: Source,
    path: str,
    deal: Row,
    payment: Row,
    payer: Row | None,
    payer_id: str | None,
    seller: Row | None,
    unit: Row | None,
) -> None:
    goaml, method = source.company.goaml, payment["payment_method"]
    where = f"payment {payment['payment_id']} at {payment['source']}"
    must = "The transaction is refused without it."
    parts.add(f"{path}.transactionnumber", "Payment", payment["payment_id"], why=must, where=where)
    parts.add(f"{path}.transaction_description", "What it was", f"{_words(method)} in deal {deal['deal_id']}", why="What was paid.", where="Aurora", origin="derived", mandatory=False)  # fmt: skip
    parts.add(f"{path}.date_transaction", "Paid on", payment["received_at"], why=must, where=f"received_at of {where}")
    parts.add(f"{path}.transmode_code", "How it was paid", goaml.transmode_codes.get(method), why="goAML's code of the payment method.", where=f"goaml.transmode_codes.{method} of {IN_COMPANY}", origin="company")  # fmt: skip
    parts.add(f"{path}.amount_local", "Amount (AED)", payment["amount_aed"], why=must, where=f"amount_aed of {where}")
    is_client = payer_id in (deal["buyer_party_id"], deal["seller_party_id"])
    side = f"{path}.t_from_my_client" if is_client else f"{path}.t_from"
    funds = goaml.funds_codes.get(method)
    _add_funds(parts, f"{side}.from_funds_code", funds, method)
    add_party(parts, f"{side}.from_", payer, payer_id)
    _add_country(parts, f"{side}.from_country", payer, payer_id)
    side = f"{path}.t_to" if is_client else f"{path}.t_to_my_client"
    _add_funds(parts, f"{side}.to_funds_code", funds, method)
    add_party(parts, f"{side}.to_", seller, deal["seller_party_id"])
    _add_country(parts, f"{side}.to_country", seller, deal["seller_party_id"])
    if unit is not None:
        _add_item(parts, source, f"{path}.goods_services.item[1]", deal, unit)


def _add_funds(parts: Parts, path: str, code: str | None, method: str) -> None:
    parts.add(path, "Kind of funds", code, why="goAML's code of the funds.", where=f"goaml.funds_codes.{method} of {IN_COMPANY}", origin="company")  # fmt: skip


def _add_country(parts: Parts, path: str, party: Row | None, party_id: str | None) -> None:
    said = None if party is None else party["country"]
    parts.add(path, "Country", said, why="Where the party belongs.", where=f"country of party {party_id}")


def _add_item(parts: Parts, source: Source, path: str, deal: Row, unit: Row) -> None:
    code = source.company.goaml.item_types.get("property")
    named = [unit.get("property_kind"), unit.get("unit_no"), unit.get("project_name"), unit.get("location")]
    said = ", ".join(str(one) for one in named if one)
    deed = f"; title deed {unit['title_deed_no']}" if unit.get("title_deed_no") else ""
    parts.add(f"{path}.item_type", "Kind of goods", code, why="goAML's code of real estate.", where=f"goaml.item_types.property of {IN_COMPANY}", origin="company")  # fmt: skip
    parts.add(f"{path}.description", "Property", f"{said}{deed}", why="What was sold.", where=f"property {unit['property_id']}", mandatory=False)  # fmt: skip
    parts.add(f"{path}.estimated_value", "Price (AED)", deal["price_aed"], why="What it was sold for.", where=f"price_aed of deal {deal['deal_id']}", mandatory=False)  # fmt: skip
    parts.add(f"{path}.currency_code", "Currency of the price", "AED", why="What the price is in.", where="Aurora", origin="derived", mandatory=False)  # fmt: skip


def add_indicators(parts: Parts, source: Source, code: str) -> None:
    """The codes that say what the report is about, from the company's file; they close the report."""
    known = source.company.goaml.indicators.get(code, ())
    for number, one in enumerate(known or (None,), start=1):
        parts.add(f"report_indicators.indicator[{number}]", "Indicator", one, why="goAML's code of what is reported.", where=f"goaml.indicators.{code} of {IN_COMPANY}", origin="company")  # fmt: skip
    parts.notes += [SUBSET, NEVER_FILED]


def unit_of(source: Source, deal: Row) -> Row | None:
    """The property of a deal, as the deal's source knows it, or as another does."""
    if deal["property_id"] is None:
        return None
    found = source.records.of("property", property_id=deal["property_id"])
    return next((row for row in found if row["source"] == deal["source"]), found[0] if found else None)


def _words(code: str) -> str:
    return code.replace("_", " ").capitalize()
