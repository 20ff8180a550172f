"""What would have changed a decision, and whether it comes out the same again: worked out from what was kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from apps.streamlit.reads.lake import Pin, current_settings
from aurora.audit.records import read_decision
from aurora.decisions.replay import Replayed, replay_these
from aurora.errors import AuroraError
from aurora.store.journal import StateReader
from aurora.store.paths import tenant_paths
from contracts.messages.decisions import Decision

if TYPE_CHECKING:
    from ml.what_if.why import Why


def why_of(pin: Pin, decision: Decision) -> Why | AuroraError:
    """The explanation, or what keeps it from being one. A receipt never changes, and so neither does this."""
    try:
        return _explained(pin.data_dir, pin.tenant, decision.decision_id)
    except AuroraError as error:
        return error


@st.cache_data(ttl=3600, max_entries=64, show_spinner="Asking what would have changed it")
def _explained(data_dir: str, tenant: str, decision_id: str) -> Why:
    from ml.what_if.why import explain

    paths = tenant_paths(Path(data_dir), tenant)
    with StateReader(paths) as state:
        made = read_decision(state, decision_id)
    return explain(made, paths, current_settings())


def replayed(pin: Pin, decision_id: str) -> Replayed:
    """The decision made again now. `NotFoundError` for an id of no decision."""
    return replay_these(pin.paths, current_settings(), [decision_id])[0]
