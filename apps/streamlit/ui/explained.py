"""Explain this number: its formula, what it is made from, and the snapshot it was read at."""

from __future__ import annotations

import streamlit as st

from apps.streamlit.reads.lake import Pin
from apps.streamlit.reads.meanings import meaning, raw_tables


def explain(what: str, marts: tuple[str, ...], pin: Pin, *, formulas: tuple[str, ...] = ()) -> None:
    """An expander: formulas (the marts' own meanings unless given), lineage, snapshot."""
    with st.expander(f"Explain {what}", icon=":material/function:"):
        for formula in formulas or tuple(meaning(mart) for mart in marts):
            st.markdown(formula)
        raw = sorted({name for mart in marts for name in raw_tables(mart)})
        st.caption(
            f"Read from {_names('mart', marts)} at mart snapshot {pin.mart_snapshot}; made from "
            f"{_names('raw', raw)} at raw snapshot {pin.raw_snapshot}."
        )


def _names(layer: str, names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"`{layer}.{name}`" for name in names)
