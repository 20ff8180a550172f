"""Residency: a row rests in its own region, or it does not rest here.

A tenant's lake has one region, and DuckLake writes, merges and rewrites files below one path: a file of
another region would be moved into this one by the next maintenance. So rows of an allowed other region are
refused too, with the reason, where the contract binds them to a region; they belong to a tenant made there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

from aurora.packs import tenant_policy
from aurora.settings import Settings

REGION: Final = "region"
RESIDENCY: Final = "residency"
"""Name of the rule in quarantine."""
_REGION_IN_TEXT: Final = re.compile(r'\\*"region\\*"\s*:\s*\\*"([^"\\]{1,64})')


def pack_regions(settings: Settings) -> Callable[[], frozenset[str]]:
    """The regions that the settings' pack allows, read when they are first asked for."""
    return lambda: _regions(settings.packs_dir, settings.pack)


@cache
def _regions(packs_dir: Path, pack: str) -> frozenset[str]:
    return frozenset(tenant_policy(packs_dir, pack).allowed_regions)


def foreign_reason(region: str, *, home: str, allowed: Callable[[], frozenset[str]], is_bound: bool) -> str | None:
    """Why a row of `region` may not rest in `home`, or None when it may.

    `is_bound` says that the contract has columns that must stay in their region.
    """
    if region == home:
        return None
    if region not in allowed():
        return (
            f"The row says that it belongs to {region[:64]}, where this tenant may not keep data "
            f"(allowed: {', '.join(sorted(allowed()))}). The row was not kept. "
            "Correct its region at the source, or have the policy changed."
        )
    if is_bound:
        return (
            f"The row belongs to {region}, which the policy allows, but this tenant's lake lies in {home} and a row "
            f"is never moved. The row was not kept. Send it to a tenant made in {region}."
        )
    return None


def foreign_in_text(text: str) -> str | None:
    """The region that a raw record names for itself, escaped JSON included; None when it names none."""
    match = _REGION_IN_TEXT.search(text)
    return match[1] if match else None
