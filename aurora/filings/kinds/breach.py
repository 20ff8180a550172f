"""Breach packs: the notice to the authority, and the letter to the people concerned, of one incident."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from aurora.filings.kind import BY_PERSON, IN_COMPANY, NEVER_FILED, Kind, Parts, Source, as_text
from contracts.messages.filings import FilingText

_JURISDICTION = {"pdpl_breach": "AE", "gdpr_breach": "EU"}


def _pdpl(source: Source) -> Parts:
    return _breach(source, "pdpl_breach", "PDPL-007")


def _gdpr(source: Source) -> Parts:
    return _breach(source, "gdpr_breach", "GDPR-015")


def _breach(source: Source, kind: str, rule_id: str) -> Parts:
    incident, parts = source.about, source.parts()
    rule = source.rulebook.rule(rule_id)
    law = f"{rule.file.source.instrument}, {rule.file.source.article}"
    where = f"incident {incident['incident_id']} at {incident['source']}"
    summary = incident["summary"]
    parts.add("nature", "What happened", summary, why=f"Nature of the breach ({law}).", where=f"summary of {where}")
    parts.add("detected_at", "Noticed at (UTC)", incident["detected_at"], why="The clock runs from here.", where=f"detected_at of {where}")  # fmt: skip
    parts.add("data_categories", "Kinds of data", incident["data_label"], why=f"Categories of data ({law}).", where=f"data_label of {where}")  # fmt: skip
    parts.add("subject_categories", "Kinds of people", None, why="Categories of people concerned: clients, staff ...", where=BY_PERSON)  # fmt: skip
    parts.add("subject_count", "People concerned, about", incident["affected_subject_count"], why=f"Approximate number of people ({law}).", where=f"affected_subject_count of {where}")  # fmt: skip
    parts.add("record_count", "Records concerned, about", None, why=f"Approximate number of records ({law}).", where=BY_PERSON)  # fmt: skip
    parts.add("consequences", "Likely consequences", None, why=f"What it may mean for people ({law}).", where=BY_PERSON)
    parts.add("measures", "Measures taken and proposed", None, why=f"What was and will be done ({law}).", where=BY_PERSON)  # fmt: skip
    _contact(parts, source)
    hours = rule.clock_value
    if hours is not None and incident["detected_at"] is not None:
        parts.due_at = incident["detected_at"] + dt.timedelta(hours=hours)
        parts.due_because = f"{rule_id}: {hours} hours after it was noticed ({rule.file.clock.said})"
        late = source.now > parts.due_at
        parts.add("delay_reason", "Why it is late", None, why="A notice after its time says why.", where=BY_PERSON, mandatory=late)  # fmt: skip
    parts.add("authority_notified_at", "Authority told at (UTC)", incident["authority_notified_at"], why="Whether it was told already.", where=f"authority_notified_at of {where}", mandatory=False)  # fmt: skip
    parts.add("subjects_notified_at", "People told at (UTC)", incident["subjects_notified_at"], why="People are told where the risk is high.", where=f"subjects_notified_at of {where}", mandatory=False)  # fmt: skip
    parts.add("is_high_risk", "High risk to people", incident["is_high_risk"], why="Decides whether people get the letter.", where=f"is_high_risk of {where}")  # fmt: skip
    parts.texts += letters(parts.values)
    _notes(parts, source, kind, rule.file.provenance)
    return parts


def _contact(parts: Parts, source: Source) -> None:
    contact, where = source.company.privacy_contact, f"privacy_contact of {IN_COMPANY}"
    parts.add("company", "Company", source.company.name, why="Who reports.", where=f"name of {IN_COMPANY}", origin="company")  # fmt: skip
    for name, label in (("name", "Contact"), ("email", "Contact, e-mail")):
        said = None if contact is None else getattr(contact, name)
        parts.add(f"contact_{name}", label, said, why="Whom to ask.", where=where, origin="company")
    parts.add("contact_phone", "Contact, telephone", None if contact is None else contact.phone, why="Whom to ask.", where=where, origin="company", mandatory=False)  # fmt: skip


def _notes(parts: Parts, source: Source, kind: str, provenance: str) -> None:
    jurisdiction = source.about["jurisdiction"]
    if not source.about["is_personal_breach"]:
        parts.notes.append("The incident is not marked as a breach of personal data.")
    if jurisdiction != _JURISDICTION[kind]:
        parts.notes.append(f"The incident falls under {jurisdiction or 'no law that is named'}; check that this pack is the right one.")  # fmt: skip
    if "K" in provenance.split("/"):
        parts.notes.append("The clock and the contents rest on general knowledge of the law: to be verified.")
    parts.notes.append(NEVER_FILED)


def letters(values: Mapping[str, str | None]) -> list[FilingText]:
    """The letter to the people concerned, from the fields as they stand; gaps are shown as gaps."""

    def said(path: str) -> str:
        return values.get(path) or f"[{path.replace('_', ' ')}: missing]"

    body = (
        f"Dear client,\n\n"
        f"We write to you because personal data about you was concerned by an incident that we noticed on "
        f"{said('detected_at')}.\n\n"
        f"What happened: {said('nature')}\n"
        f"Which data: {said('data_categories')}\n"
        f"What it may mean for you: {said('consequences')}\n"
        f"What we did and will do: {said('measures')}\n\n"
        f"If you have questions, ask {said('contact_name')}, {said('contact_email')}"
        f"{', ' + str(values['contact_phone']) if values.get('contact_phone') else ''}.\n\n"
        f"{said('company')}"
    )
    must = values.get("is_high_risk") == as_text(value=True)
    title = "Letter to the people concerned" + (" (they must be told)" if must else " (where the risk turns out high)")
    return [FilingText(title=title, body=body)]


KINDS = (
    Kind(
        kind="pdpl_breach",
        title="Breach notice, UAE PDPL",
        authority="UAE Data Office",
        contract="incident",
        says="A breach of personal data under the law of the Emirates: notice and letters.",
        exports=("pdf", "html", "json"),
        build=_pdpl,
        rules=("PDPL-007",),
    ),
    Kind(
        kind="gdpr_breach",
        title="Breach notice, GDPR Art. 33",
        authority="Supervisory authority of the EU member state",
        contract="incident",
        says="A breach of personal data under the law of the EU: notice within 72 hours, and letters.",
        exports=("pdf", "html", "json"),
        build=_gdpr,
        rules=("GDPR-015", "GDPR-016"),
    ),
)
