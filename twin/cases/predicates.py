"""Every rule's exact predicate, by rule id."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from twin.cases import brokerage_predicates as brokerage
from twin.cases import data_predicates as data
from twin.cases import security_predicates as security
from twin.cases.predicate import Predicate

_ALL: Final = (
    *brokerage.AML, *brokerage.RERA, *brokerage.ADS, *brokerage.DLD, *brokerage.TENANCY, *brokerage.MESSAGES,
    *data.PDPL, *data.ELSEWHERE, *data.GDPR, *security.HIPAA, *security.PCI, *security.SOC2, *security.BASIC,
)  # fmt: skip
PREDICATES: Final[Mapping[str, Predicate]] = MappingProxyType({one.rule_id: one for one in _ALL})


def parameters_of(one: Predicate) -> frozenset[str]:
    """Names of the parameters that a predicate asks for, `as_of` among them."""
    return frozenset(re.findall(r"\$(\w+)", f"{one.rows} {one.violates}"))
