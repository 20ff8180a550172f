"""What a page shows while there is nothing to show: how far the first build is, and the next step."""

from __future__ import annotations

import streamlit as st

from apps.streamlit.reads.builds import stage_records
from apps.streamlit.reads.lake import Pin, current_paths, current_pin
from apps.streamlit.reads.progress import Step, build_steps
from apps.streamlit.ui.wording import plain
from aurora.errors import NotFoundError, NotReadyError
from aurora.store.paths import TenantPaths

_POLL_SECONDS = 4


def pin_or_first_start(*marts: str) -> Pin:
    """The current snapshot once `marts` are built in it; until then the page shows the build and ends here."""
    _, pin = _whereabouts()
    if pin is None or not pin.has(*marts):
        st.title("Aurora is getting ready", anchor=False)
        st.markdown("The first build reads your assistants' exports and computes the figures. This page follows it.")
        _follow(marts)
        st.stop()
    return pin


def _whereabouts() -> tuple[TenantPaths | None, Pin | None]:
    try:
        paths = current_paths()
    except NotFoundError:
        return None, None
    try:
        return paths, current_pin()
    except (NotFoundError, NotReadyError):
        return paths, None


@st.fragment(run_every=_POLL_SECONDS)
def _follow(marts: tuple[str, ...]) -> None:
    paths, pin = _whereabouts()
    if pin is not None and pin.has(*marts):
        st.rerun(scope="app")
    steps = build_steps(paths, pin)
    done = sum(step.is_done for step in steps)
    st.progress(done / len(steps), text=f"{done} of {len(steps)} steps done")
    for step in steps:
        _show(step, is_next=step is next((s for s in steps if not s.is_done), None))
    for record in stage_records(paths) if paths else ():
        if record.has_failed:
            st.error(
                f"The stage **{record.stage}** failed: {plain(record.message)}\n\n"
                "**Next step:** mend it, then `make run` or `aurora build` goes on from there.",
                icon=":material/error:",
            )
    st.info(
        "Nothing moving? `make run` starts the build and goes on where it stopped; `aurora status` says what is "
        "fresh. To use your own data, drop exports into `data/landing/<company>/<source>/`.",
        icon=":material/lightbulb:",
    )


def _show(step: Step, *, is_next: bool) -> None:
    icon = ":material/check_circle:" if step.is_done else ":material/pending:" if is_next else ":material/circle:"
    word = "Done" if step.is_done else "Next" if is_next else "To come"
    color = "green" if step.is_done else "blue" if is_next else "gray"
    st.markdown(f":{color}[{icon}] **{step.title}** · {word}  \n:gray[{step.detail}]")
