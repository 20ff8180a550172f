"""FOCUS 1.2: the columns of a cost and usage dataset, in order, and what each must hold.

From the specification of the FinOps Foundation (Cost and Usage, version 1.2). Columns of ours begin with `x_`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from contracts.vocabulary import CHARGE_CATEGORIES, PRICING_CATEGORIES, SERVICE_CATEGORIES

Kind = Literal["text", "decimal", "time", "currency", "unit", "keys"]
"""`keys` is a JSON object; `currency` an ISO 4217 code; `unit` a unit as FOCUS writes it."""
Level = Literal["mandatory", "conditional", "recommended", "custom"]

SPEC: Final = "1.2"
_USED: Final = ("Used", "Unused")


@dataclass(frozen=True, slots=True, kw_only=True)
class FocusColumn:
    """One column: how much it must be there, what is in it, whether it may be null."""

    name: str
    kind: Kind = "text"
    level: Level = "conditional"
    nullable: bool = True
    allowed: tuple[str, ...] = ()


def _must(name: str, kind: Kind = "text", *, nullable: bool = False, allowed: tuple[str, ...] = ()) -> FocusColumn:
    return FocusColumn(name=name, kind=kind, level="mandatory", nullable=nullable, allowed=allowed)


def _may(name: str, kind: Kind = "text", *, nullable: bool = True, allowed: tuple[str, ...] = ()) -> FocusColumn:
    return FocusColumn(name=name, kind=kind, level="conditional", nullable=nullable, allowed=allowed)


def _should(name: str, *, nullable: bool, allowed: tuple[str, ...] = ()) -> FocusColumn:
    return FocusColumn(name=name, level="recommended", nullable=nullable, allowed=allowed)


COLUMNS: Final[tuple[FocusColumn, ...]] = (
    _should("AvailabilityZone", nullable=True),
    _must("BilledCost", "decimal"),
    _must("BillingAccountId"),
    _must("BillingAccountName", nullable=True),
    _may("BillingAccountType", nullable=False),
    _must("BillingCurrency", "currency"),
    _must("BillingPeriodEnd", "time"),
    _must("BillingPeriodStart", "time"),
    _may("CapacityReservationId"),
    _may("CapacityReservationStatus", allowed=_USED),
    _must("ChargeCategory", allowed=CHARGE_CATEGORIES),
    _must("ChargeClass", nullable=True, allowed=("Correction",)),
    _must("ChargeDescription", nullable=True),
    _should("ChargeFrequency", nullable=False, allowed=("One-Time", "Recurring", "Usage-Based")),
    _must("ChargePeriodEnd", "time"),
    _must("ChargePeriodStart", "time"),
    _may("CommitmentDiscountCategory", allowed=("Spend", "Usage")),
    _may("CommitmentDiscountId"),
    _may("CommitmentDiscountName"),
    _may("CommitmentDiscountQuantity", "decimal"),
    _may("CommitmentDiscountStatus", allowed=_USED),
    _may("CommitmentDiscountType"),
    _may("CommitmentDiscountUnit", "unit"),
    _may("ConsumedQuantity", "decimal"),
    _may("ConsumedUnit", "unit"),
    _must("ContractedCost", "decimal"),
    _may("ContractedUnitPrice", "decimal"),
    _must("EffectiveCost", "decimal"),
    _should("InvoiceId", nullable=True),
    _must("InvoiceIssuerName"),
    _must("ListCost", "decimal"),
    _may("ListUnitPrice", "decimal"),
    _may("PricingCategory", allowed=PRICING_CATEGORIES),
    _may("PricingCurrency", "currency", nullable=False),
    _may("PricingCurrencyContractedUnitPrice", "decimal"),
    _may("PricingCurrencyEffectiveCost", "decimal", nullable=False),
    _may("PricingCurrencyListUnitPrice", "decimal"),
    _must("PricingQuantity", "decimal", nullable=True),
    _must("PricingUnit", "unit", nullable=True),
    _must("ProviderName"),
    _must("PublisherName"),
    _may("RegionId"),
    _may("RegionName"),
    _may("ResourceId"),
    _may("ResourceName"),
    _may("ResourceType"),
    _must("ServiceCategory", allowed=SERVICE_CATEGORIES),
    _must("ServiceName"),
    _should("ServiceSubcategory", nullable=False),
    _may("SkuId"),
    _may("SkuMeter"),
    _may("SkuPriceDetails", "keys"),
    _may("SkuPriceId"),
    _may("SubAccountId"),
    _may("SubAccountName"),
    _may("SubAccountType"),
    _may("Tags", "keys"),
)
CUSTOM: Final[tuple[FocusColumn, ...]] = (
    *(FocusColumn(name=f"x_{part}Tokens", kind="decimal", level="custom") for part in ("Input", "Output", "Cached")),
    *(FocusColumn(name=f"x_{part}Id", level="custom") for part in ("Assistant", "Conversation", "Decision")),
)
"""What Aurora adds: tokens and who used them."""

_SUBCATEGORIES: Final = {
    "AI and Machine Learning": "AI Platforms|Bots|Generative AI|Machine Learning|Natural Language Processing",
    "Analytics": "Analytics Platforms|Business Intelligence|Data Processing|Search|Streaming Analytics",
    "Business Applications": "Productivity and Collaboration",
    "Compute": "Containers|End User Computing|Quantum Compute|Serverless Compute|Virtual Machines",
    "Databases": "Caching|Data Warehouses|Ledger Databases|NoSQL Databases|Relational Databases|Time Series Databases",
    "Developer Tools": "Developer Platforms|Continuous Integration and Deployment|Development Environments|"
    "Source Code Management|Quality Assurance",
    "Identity": "Identity and Access Management",
    "Integration": "API Management|Messaging|Workflow Orchestration",
    "Internet of Things": "IoT Analytics|IoT Platforms",
    "Management and Governance": "Architecture|Compliance|Cost Management|Data Governance|Disaster Recovery|"
    "Endpoint Management|Observability|Support",
    "Media": "Content Creation|Gaming|Media Streaming|Mixed Reality",
    "Migration": "Data Migration|Resource Migration",
    "Mobile": "",
    "Multicloud": "Multicloud Integration",
    "Networking": "Application Networking|Content Delivery|Network Connectivity|Network Infrastructure|"
    "Network Routing|Network Security",
    "Security": "Secret Management|Security Posture Management|Threat Detection and Response",
    "Storage": "Backup Storage|Block Storage|File Storage|Object Storage|Storage Platforms|Structured Storage",
    "Web": "Application Platforms",
    "Other": "",
}
SUBCATEGORIES: Final = {
    f"{category}/{name}"
    for category, names in _SUBCATEGORIES.items()
    for name in [*(one for one in names.split("|") if one), f"Other ({category})"]
}
"""Category and subcategory that belong together."""

_CODES: Final = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD "
    "CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP "
    "GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK "
    "LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR "
    "PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL "
    "THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF XAG XAU XBA XBB "
    "XBC XBD XCD XDR XOF XPD XPF XPT XSU XUA YER ZAR ZMW ZWG"
)
CURRENCIES: Final = frozenset(_CODES.split())
"""ISO 4217 alphabetic codes, without those for tests and for no currency."""
