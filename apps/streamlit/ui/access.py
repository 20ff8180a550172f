"""Who looks at a page, and whether they may. Every page asks first: hiding a page is not authorisation.

There is no login yet. So the pages have one reader, the owner of the machine they run on, and only while
they listen on loopback; on any other address everybody could be that reader, and every page refuses.
"""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from aurora.settings import load_settings

Role = Literal["nobody", "viewer", "analyst", "operator", "owner"]
_REACH: dict[Role, int] = {"nobody": -1, "viewer": 0, "analyst": 1, "operator": 2, "owner": 3}
_VIEWER_KEY = "aurora_viewer"


@dataclass(frozen=True, slots=True)
class Viewer:
    """The person in front of the page."""

    actor_id: str
    role: Role

    def reaches(self, role: Role) -> bool:
        """Whether the viewer's role is `role` or above it."""
        return _REACH[self.role] >= _REACH[role]


LOCAL_OWNER = Viewer("owner", "owner")
"""On one's own machine there is one person, and it is the owner."""
STRANGER = Viewer("unknown", "nobody")
"""Whoever comes from elsewhere: without a login nobody knows who it is."""


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def set_viewer(viewer: Viewer) -> None:
    """Make `viewer` the person of this session. Session state lives on the server."""
    st.session_state[_VIEWER_KEY] = viewer


def current_viewer() -> Viewer:
    """The person of this session."""
    viewer = st.session_state.get(_VIEWER_KEY)
    if isinstance(viewer, Viewer):
        return viewer
    return LOCAL_OWNER if is_loopback(load_settings(os.environ).host) else STRANGER


def require(role: Role) -> Viewer:
    """The viewer, when their role reaches `role`; otherwise the page ends here and says so."""
    viewer = current_viewer()
    if viewer.role == "nobody":
        st.error(
            "These pages have no login yet, so they open only on the machine they run on. Aurora listens on "
            f"`{load_settings(os.environ).host}`: set `AURORA_HOST=127.0.0.1` and start again; from elsewhere come through an "
            "SSH tunnel. The API works as before, with its keys.",
            icon=":material/lock:",
        )
        st.stop()
    if not viewer.reaches(role):
        st.error(
            f"This page is for the role {role}; yours is {viewer.role}. Ask the owner to give you the role.",
            icon=":material/lock:",
        )
        st.stop()
    return viewer
