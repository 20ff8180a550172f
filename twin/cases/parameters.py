"""What the rules leave open: limits, lists of countries, fees. The predicates and the planted cases share them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

GCC: Final = ("AE", "SA", "KW", "QA", "BH", "OM")
HIGH_RISK_COUNTRIES: Final = ("IR", "KP", "MM")
"""FATF's list of jurisdictions under a call for action."""
FOUR_EYES_AED: Final = 500_000
FFR_BUSINESS_DAYS: Final = 5
SENSITIVE_SUBJECTS: Final = 5_000
SESSION_TTL_S: Final = 3_600
RESIDENCY_ORDER: Final = ("any", "gcc", "ae", "ae-dubai")
"""Residency labels, from the loosest to the strictest."""

PARAMETERS: Final[Mapping[str, int | float | tuple[str, ...]]] = MappingProxyType(
    {
        "high_risk_countries": HIGH_RISK_COUNTRIES,
        "gcc": GCC,
        "adequate_countries": ("AT", "BE", "CH", "DE", "DK", "ES", "FI", "FR", "GB", "IE", "IT", "NL", "NO", "PT", "SE"),
        "eea_adequate_countries": (
            "AD", "AR", "AT", "BE", "BG", "CA", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GR", "HR", "HU", "IE", "IL", "IS",
            "IT", "JP", "KR", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "NZ", "PL", "PT", "RO", "SE", "SI", "SK", "UY",
        ),
        "residency_order": RESIDENCY_ORDER,
        "ubo_coverage": 0.75,
        "four_eyes_aed": FOUR_EYES_AED,
        "ffr_business_days": FFR_BUSINESS_DAYS,
        "pdpl_breach_hours": 72,
        "dsr_days": 30,
        "sensitive_subjects": SENSITIVE_SUBJECTS,
        "session_ttl_s": SESSION_TTL_S,
    }
)  # fmt: skip
"""Values by name. Business days are Monday to Friday; public holidays are not taken off."""
