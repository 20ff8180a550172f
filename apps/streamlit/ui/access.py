"""Who looks at a page, and whether they may. Every page asks first: hiding a page is not authorisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import streamlit as st

Role = Literal["viewer", "analyst", "operator", "owner"]
_REACH: dict[Role, int] = {"viewer": 0, "analyst": 1, "operator": 2, "owner": 3}
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


def set_viewer(viewer: Viewer) -> None:
    """Make `viewer` the person of this session. Session state lives on the server."""
    st.session_state[_VIEWER_KEY] = viewer


def current_viewer() -> Viewer:
    """The person of this session."""
    viewer = st.session_state.get(_VIEWER_KEY, LOCAL_OWNER)
    return viewer if isinstance(viewer, Viewer) else LOCAL_OWNER


def require(role: Role) -> Viewer:
    """The viewer, when their role reaches `role`; otherwise the page ends here and says so."""
    viewer = current_viewer()
    if not viewer.reaches(role):
        st.error(
            f"This page is for the role {role}; yours is {viewer.role}. Ask the owner to give you the role.",
            icon=":material/lock:",
        )
        st.stop()
    return viewer
