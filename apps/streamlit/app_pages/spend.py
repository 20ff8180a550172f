"""Reconciled spend: our log beside what providers counted, charged and invoiced, and how far it can be trusted."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import streamlit as st

from apps.streamlit.reads.lake import Pin
from apps.streamlit.reads.spend import SpendFigures, last_day, spend_cells, spend_figures
from apps.streamlit.ui import charts
from apps.streamlit.ui.access import require
from apps.streamlit.ui.first_start import pin_or_first_start
from apps.streamlit.ui.page import headline, section, tile, tiles
from apps.streamlit.ui.table import show_table
from apps.streamlit.ui.wording import aed, count, day, plural, share, usd

_PERIODS = {"7 days": 7, "30 days": 30, "90 days": 90}
_WORST = 25
_COLUMNS: dict[str, str] = {
    "priced_usd": "Our log (USD)", "provider_usd": "Costs API (USD)", "invoiced_usd": "Invoice (USD)",
    "difference_usd": "Difference (USD)", "missing_count": "Missing", "missing_usd": "Missing (USD)",
    "duplicate_count": "Copied", "duplicate_usd": "Copied (USD)", "unpriced_count": "Unpriced",
    "unpriced_usd": "Unpriced (USD)", "price_difference_usd": "Other price (USD)", "logged_count": "Calls logged",
    "provider_count": "Calls the provider counted", "provider_difference_usd": "Invoice less costs API (USD)",
    "priced_difference_usd": "Invoice less our log (USD)", "trust_share": "Trust",
}  # fmt: skip


def page() -> None:
    """Headline, tiles, trust by day, the worst provider-days with their causes, invoices, how it is computed."""
    require("viewer")
    pin = pin_or_first_start()
    until = last_day(pin)
    if until is None:
        headline("No AI usage has landed yet.", pin)
        st.info("Drop exports into the landing folder and run `aurora ingest`; this page fills by itself.")
        return
    head = st.container()
    name = st.segmented_control(
        "Period, ending with the last day of data", list(_PERIODS), default="30 days", required=True, key="period",
        bind="query-params",
    )  # fmt: skip
    since = until - dt.timedelta(days=_PERIODS[name or "30 days"] - 1)
    figures = spend_figures(pin, since, until)
    with head:
        headline(_sentence(figures), pin, data_to=until, has_money=True)
        if figures.scored["is_simulated"].any():
            st.badge("The providers' accounts are simulated", icon=":material/science:", color="violet")
    _tiles(figures)
    _trust(figures)
    _accounts(figures, pin)
    _worst(figures, pin)
    _invoices(figures, pin)
    _formula()


def _sentence(figures: SpendFigures) -> str:
    trust = figures.trust
    if trust is None:
        return "No provider has given an account of this period, so nobody can say how far the spend is right."
    scored = figures.scored
    silent = figures.days["provider_name"].n_unique() - scored["provider_name"].n_unique()
    wrong = scored.filter(pl.col("trust_share") < 1).height
    rest = f" {plural(silent, 'provider')} gave no account." if silent else ""
    found = f"{plural(wrong, 'provider-day')} {'differs' if wrong == 1 else 'differ'}" if wrong else "nothing differs"
    return f"The spend that providers gave an account of is right to {share(trust)}: {found}.{rest}"


def _total(frame: pl.DataFrame, name: str) -> float:
    return float(frame[name].sum() or 0)


def _tiles(figures: SpendFigures) -> None:
    scored = figures.scored
    bill = scored.select(pl.coalesce("provider_usd", "invoiced_usd").sum()).item() or 0.0
    with tiles():
        tile("Trust", share(figures.trust), explained="1 less the largest known error, weighed by spend")
        tile("Providers' bill", aed(bill), explained=f"{usd(bill)} on {plural(scored.height, 'provider-day')}")
        tile(
            "Our log",
            aed(_total(scored, "priced_usd")),
            explained=f"{usd(_total(scored, 'priced_usd'))} on the same days",
        )
        for kind, said, meaning in (
            ("missing", "Missing", "The provider counted them, we did not log them"),
            ("duplicate", "Copied", "We logged them, the provider did not count them"),
            ("unpriced", "Unpriced", "Calls without a price, or at 0 with tokens"),
        ):
            money = _total(scored, f"{kind}_usd")
            tile(said, count(_total(scored, f"{kind}_count")), explained=f"{meaning}: {usd(money)}")
        tile("Other price", usd(_total(scored, "price_difference_usd")), explained="Same use, other money")


def _trust(figures: SpendFigures) -> None:
    section("Trust by day", "Days without any account of a provider are not scored.")
    if figures.scored.is_empty():
        st.info(
            "Bring in `provider_usage` or `provider_cost` rows: docs/how-to/reconcile-spend.md says how.",
            icon=":material/info:",
        )
        return
    charts.trust_by_day(figures.scored)


def _accounts(figures: SpendFigures, pin: Pin) -> None:
    legs = figures.days.group_by("provider_name").agg(
        pl.col("has_log", "has_provider_usage", "has_provider_cost", "has_invoice").sum().cast(pl.Int64),
        pl.col("is_simulated").any(),
        pl.col("trust_share").mean(),
        pl.col("priced_usd", "provider_usd").sum(),
        pl.col("provider_usd").is_not_null().any().alias("_has_bill"),
    )
    shown = legs.with_columns(provider_usd=pl.when("_has_bill").then("provider_usd")).drop("_has_bill")
    show_table(
        shown.sort("priced_usd", descending=True),
        title="Which accounts there are",
        pin=pin,
        empty="No usage in this period.",
        note="Days of the period on which each account is there. What nobody can know is not scored.",
        columns=_labels(
            {
                "has_log": "Days logged", "has_provider_usage": "Days with usage", "has_provider_cost": "Days with costs",
                "has_invoice": "Days invoiced", "is_simulated": "Simulated", "trust_share": "Mean trust",
            },
            shown,
        ),
    )  # fmt: skip


def _worst(figures: SpendFigures, pin: Pin) -> None:
    worst = figures.scored.filter(pl.col("trust_share") < 1).sort("error_share", "period_date", descending=True)
    told = worst.with_columns(
        pl.Series("explanation", [_explained(row) for row in worst.iter_rows(named=True)], dtype=pl.String)
    ).select(
        "period_date", "provider_name", "trust_share", "explanation", "difference_usd", "priced_usd", "provider_usd",
        "missing_count", "missing_usd", "duplicate_count", "duplicate_usd", "unpriced_count", "unpriced_usd",
        "price_difference_usd",
    )  # fmt: skip
    picked = show_table(
        told.head(_WORST),
        title="Where the accounts differ",
        pin=pin,
        empty="On every day with an account, the accounts agree.",
        note="The worst first. Choose a day to see it by language model; the export holds all of them.",
        full=lambda: told,
        columns=_labels({"explanation": "What was found"}, told)
        | {"explanation": st.column_config.TextColumn("What was found", width="large")},
        on_select=True,
        height=420,
    )
    if picked is None or picked >= told.height:
        return
    row = told.row(picked, named=True)
    cells = spend_cells(pin, row["period_date"], row["provider_name"])
    show_table(
        cells,
        title=f"{row['provider_name']} on {day(row['period_date'])}, by language model",
        pin=pin,
        empty="Nothing is known of this day by language model.",
        columns=_labels({}, cells),
    )


def _explained(row: dict[str, Any]) -> str:
    """What was found on a provider-day, in words, the largest amount first."""
    parts = [
        (abs(row["missing_usd"] or 0), row["missing_count"], "not logged"),
        (abs(row["duplicate_usd"] or 0), row["duplicate_count"], "logged that the provider does not count"),
        (abs(row["unpriced_usd"] or 0), row["unpriced_count"], "without a price"),
    ]
    told = [
        f"{plural(number, 'call')} {what} ({usd(amount)})"
        for amount, number, what in sorted(parts, key=lambda part: -part[0])
        if number
    ]
    other = row["price_difference_usd"]
    if other:
        told.append(f"{usd(abs(other))} {'above' if other > 0 else 'below'} our price for the same use")
    if row["invoice_difference_usd"]:
        told.append(f"the invoice says {usd(row['invoice_difference_usd'])} more than the costs API")
    return "; ".join(told) or "Rounding"


def _invoices(figures: SpendFigures, pin: Pin) -> None:
    show_table(
        figures.invoices,
        title="Invoices",
        pin=pin,
        empty="No invoice has come in. Land `invoice_line` rows to hold invoices against the costs of their period.",
        columns=_labels(
            {"period_date": "From (UTC)", "period_end_date": "Until before (UTC)", "invoice_count": "Invoices"},
            figures.invoices,
        ),
    )


def _formula() -> None:
    with st.expander("How trust is computed"):
        st.markdown(
            "Trust of a provider-day is 1 less the largest of the errors that can be known:\n"
            "- requests missing or copied, over the larger of our count and the provider's;\n"
            "- USD missing, copied, unpriced or priced otherwise, over the larger of bill and priced cost;\n"
            "- without a bill, calls unpriced over calls;\n"
            "- invoice less costs API over the larger of the two, where both are there.\n\n"
            "Counts find copies and what is missing, tokens value them at the price book, and what is left of the bill "
            "is another price. A day is judged once the provider's account of it is closed."
        )


def _labels(more: dict[str, str], frame: pl.DataFrame) -> dict[str, Any]:
    """Columns by this page's words; money with as many digits as it has, shares in percent."""
    names = {**_COLUMNS, **more}
    found: dict[str, Any] = {}
    for name, said in names.items():
        if name not in frame.columns:
            continue
        if name.endswith("_share"):
            found[name] = st.column_config.NumberColumn(said, format="percent")
        elif frame.schema[name] == pl.Date:
            found[name] = st.column_config.DateColumn(said, format="D MMM YYYY")
        elif frame.schema[name] == pl.Boolean:
            found[name] = st.column_config.CheckboxColumn(said)
        elif frame.schema[name].is_integer():
            found[name] = st.column_config.NumberColumn(said, format="localized")
        else:
            found[name] = st.column_config.NumberColumn(said, format="%.4f")
    return found


page()
