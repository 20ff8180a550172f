"""Privacy at the door: personal data that came in, how it rests, and rows that were refused for their region."""

from __future__ import annotations

import polars as pl
import streamlit as st

from apps.streamlit.reads.privacy import PrivacyFigures, privacy_figures, protected_columns
from apps.streamlit.ui.access import require
from apps.streamlit.ui.first_start import pin_or_first_start
from apps.streamlit.ui.page import headline, section, tile, tiles
from apps.streamlit.ui.table import show_table
from apps.streamlit.ui.wording import code_words, count, plural

_ACTIONS = {
    "encrypted": "Encrypted under the person's key",
    "truncated": "Last four characters kept",
    "tokenised": "Token made for matching",
    "redacted": "Taken out, a token in its place",
    "flagged": "Left as it was: look at it",
    "kept": "Kept, as the contract says",
}


def page() -> None:
    """What was protected, what was found where it does not belong, what was refused, what the contracts ask."""
    require("analyst")
    pin = pin_or_first_start()
    figures = privacy_figures(pin)
    headline(_sentence(figures), pin)
    with tiles():
        tile(
            "Protected",
            count(figures.count("encrypted", "truncated")),
            explained="Encrypted or cut short before they rested.",
        )
        tile(
            "Taken out",
            count(figures.count("redacted")),
            explained="Identifiers where they do not belong: ids, free text, JSON.",
        )
        tile("To look at", count(figures.count("flagged")), explained="Words about health, advertising permits.")
        tile(
            "Refused rows",
            count(int(figures.refusals["row_count"].sum())),
            explained="Of a region where this lake may not keep them.",
        )
    words = figures.findings.with_columns(
        pl.col("identifier_class").map_elements(code_words, return_dtype=pl.String),
        pl.col("privacy_action").replace(_ACTIONS),
    )
    show_table(
        words,
        title="What came in",
        pin=pin,
        empty="No personal data has come in yet.",
        note="Counts of values, never a value. Names in free text are found after a title or “my name is” only.",
    )
    show_table(
        figures.refusals,
        title="Refused for their region",
        pin=pin,
        empty="No row named a region where this lake may not keep it.",
        note="Nothing of these rows was kept: place, keyed hash and region tell them apart.",
    )
    section("What the contracts protect", "Each person has a key; destroying it erases what was encrypted under it.")
    show_table(protected_columns(), title="Protected columns", pin=pin, empty="No contract protects a column.")
    st.caption(
        "Read one value back with `aurora privacy reveal`, erase a person with `aurora privacy erase`: "
        "both need a scope and a reason, and are recorded in the audit log."
    )


def _sentence(figures: PrivacyFigures) -> str:
    protected, taken_out = figures.count("encrypted", "truncated"), figures.count("redacted")
    refused = int(figures.refusals["row_count"].sum())
    said = f"{plural(protected, 'personal value')} rest protected"
    if taken_out:
        said += f", {plural(taken_out, 'identifier')} were taken out of where they did not belong"
    return said + (f"; {plural(refused, 'row')} were refused for their region." if refused else ".")


page()
