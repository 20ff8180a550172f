"""Who may see a column, said once for the page and the reference: it follows from its classes and protection."""

from __future__ import annotations

from contracts.field import Field


def who_sees(field: Field) -> str:
    """Who may read the values of a column, in plain words."""
    if field.protection == "encrypt":
        return "Nobody: encrypted. Revealed one value at a time, with a reason that is logged."
    if field.protection == "last4":
        return "The last four characters: owner, on request; the rest is not kept."
    if field.privacy in ("personal", "sensitive"):
        return "Owner, on request; covered for everybody else."
    return "Analyst and above."


def where_kept(field: Field) -> str:
    """Where the values may rest."""
    return "Only in the tenant's region." if field.residency == "tenant_region" else "Anywhere."
