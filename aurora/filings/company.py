"""What a tenant says of itself in its reports: `filings.yaml` in its folder. Nothing is filled in by guess."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct

from aurora.packs.reading import read_declared
from aurora.store.paths import TenantPaths

TENANT_FILE: Final = "filings.yaml"
Line = Annotated[str, Meta(min_length=1, max_length=255)]


class Person(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who reports: the compliance officer."""

    first_name: Line
    last_name: Line


class Contact(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom an authority or a person asks about a breach."""

    name: Line
    email: Line
    phone: Line | None = None


class Goaml(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The tenant's registration at goAML, and codes from the look-up tables that goAML shows after login."""

    rentity_id: Annotated[int, Meta(ge=1)] | None = None
    rentity_branch: Line | None = None
    transmode_codes: dict[str, Line] = {}
    """By payment method: cash, bank_transfer, cheque, card, mortgage, virtual_asset."""
    funds_codes: dict[str, Line] = {}
    """By payment method."""
    item_types: dict[str, Line] = {}
    """By `property`."""
    indicators: dict[str, tuple[Line, ...]] = {}
    """By kind of report: rear, str, ffr, pnmr."""


class Company(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`filings.yaml`."""

    name: Line | None = None
    reporting_person: Person | None = None
    privacy_contact: Contact | None = None
    goaml: Goaml = Goaml()


def read_company(paths: TenantPaths) -> Company:
    """What the tenant's file says; nothing without one. `PackError` names what is wrong in it."""
    file = paths.directory / TENANT_FILE
    return read_declared(file, Company) if file.is_file() else Company()
