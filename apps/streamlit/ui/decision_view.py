"""One decision on a page: the sentence, why, candidates, rules, what came of it, the change, the receipt."""

from __future__ import annotations

import streamlit as st

from apps.streamlit.override import override
from apps.streamlit.reads.decision_detail import DecisionDetail, candidates_frame, rules_frame, verdict
from apps.streamlit.reads.lake import Pin
from apps.streamlit.ui import charts
from apps.streamlit.ui.access import Viewer
from apps.streamlit.ui.decision_details import Names, asked_facts, called, sentence, show_details
from apps.streamlit.ui.decision_why import show_beside, show_replay, show_why_not
from apps.streamlit.ui.page import headline, section, tile, tiles
from apps.streamlit.ui.table import show_table
from apps.streamlit.ui.wording import NOTHING, aed, both, count, gulf_time, plain, plural, share
from aurora.audit.records import HUMAN
from aurora.errors import AuroraError
from contracts.messages.decisions import Candidate, Decision, ResolveConflictRequest, RouteLlmRequest, RouteTaskRequest

_PROMPT_SHOWN = 600


def show_decision(detail: DecisionDetail, pin: Pin, viewer: Viewer, names: Names) -> None:
    """The whole page of one decision."""
    decision = detail.decision
    headline(_sentence(detail, names), pin, has_money=True)
    _tiles(detail)
    why, change = st.columns([3, 2], gap="large")
    with why:
        _why(decision, names)
        show_why_not(decision, pin, names)
        show_beside(decision, names)
        _asked(decision, names)
    with change:
        _followed(detail, names)
        _change(detail, pin, viewer, names)
    show_details(decision, pin, names)
    _candidates(decision, pin, names)
    show_table(
        rules_frame(decision, names),
        title="Rules",
        pin=pin,
        empty="No rule applied to this decision. Rules stand in the pack's `compliance/` folder.",
    )
    _receipt(detail, pin)


def _sentence(detail: DecisionDetail, names: Names) -> str:
    return sentence(detail.decision, detail.overrides[-1].action if detail.overrides else None, names)


def _tiles(detail: DecisionDetail) -> None:
    decision = detail.decision
    able = sum(candidate.is_eligible for candidate in decision.candidates)
    expected, baseline = decision.expected_cost_usd, decision.baseline_cost_usd
    with tiles():
        tile(
            "Confidence", share(decision.confidence), explained="Calibrated: of 100 such decisions this many are right."
        )
        tile(
            "Candidates",
            f"{able} of {len(decision.candidates)}",
            explained="Able and allowed, of all that were looked at",
        )
        tile(
            "Expected cost",
            aed(None if expected is None else float(expected)),
            explained=both(None if expected is None else float(expected)),
        )
        tile(
            "Without routing",
            aed(None if baseline is None else float(baseline)),
            explained=f"Best single choice: {both(None if baseline is None else float(baseline))}",
        )
        tile("Time to decide", f"{count(detail.elapsed_us)} µs" if detail.elapsed_us else NOTHING)


def _why(decision: Decision, names: Names) -> None:
    section("Why")
    st.markdown(f"**{plain(decision.reason)}**")
    out = [c for c in decision.candidates if c.vetoes]
    forbidden = [c for c in out if verdict(c, decision) == "✗ Forbidden"]
    lines = [
        f"{plural(len(decision.candidates), 'candidate')} {'was' if len(decision.candidates) == 1 else 'were'} looked at."
    ]
    if forbidden:
        lines.append(f"Rules forbade {plural(len(forbidden), 'of them', 'of them')}: {_named(forbidden, names)}.")
    if len(out) > len(forbidden):
        unable = [c for c in out if c not in forbidden]
        lines.append(f"{plural(len(unable), 'was not able', 'were not able')}: {_named(unable, names)}.")
    chosen = next((c for c in decision.candidates if c.candidate_id == decision.action), None)
    if chosen is not None:
        lines.append(_chosen_line(chosen, decision, names))
    st.markdown("\n".join(f"- {line}" for line in lines))


def _named(candidates: list[Candidate], names: Names) -> str:
    named = ", ".join(f"`{called(candidate.candidate_id, names)}`" for candidate in candidates[:4])
    return named + (f" and {len(candidates) - 4} more" if len(candidates) > 4 else "")


def _chosen_line(chosen: Candidate, decision: Decision, names: Names) -> str:
    rest = [c.score for c in decision.candidates if c.is_eligible and c.score is not None and c is not chosen]
    lead = f", {chosen.score - max(rest):+.3f} against the next" if chosen.score is not None and rest else ""
    score = "without a score" if chosen.score is None else f"with score {chosen.score:.3f}{lead}"
    draw = "" if chosen.propensity >= 1 else f" It was drawn with probability {share(chosen.propensity)}, to learn."
    return f"The policy `{decision.policy_id}` chose `{called(chosen.candidate_id, names)}` {score}.{draw}"


def _asked(decision: Decision, names: Names) -> None:
    section("What was asked")
    request = decision.request
    facts = [
        f"By **{plain(decision.actor_id)}**, {gulf_time(decision.decided_at)}, mode **{decision.mode}**",
    ]
    if isinstance(request, RouteTaskRequest | RouteLlmRequest | ResolveConflictRequest):
        region = request.data_region or decision.region
        facts.append(f"Data: **{request.privacy_class}**, region **{region}**")
    if isinstance(request, RouteTaskRequest | RouteLlmRequest) and request.max_cost_usd is not None:
        facts.append(f"At most {both(float(request.max_cost_usd))}")
    facts += asked_facts(decision, names)
    st.markdown("\n".join(f"- {fact}" for fact in facts))
    if isinstance(request, RouteLlmRequest):
        with st.expander("Question", icon=":material/chat:"):
            # As text, not as Markdown: what an assistant was asked must not draw on our page.
            st.text(request.prompt[:_PROMPT_SHOWN] + (" …" if len(request.prompt) > _PROMPT_SHOWN else ""))
    elif isinstance(request, RouteTaskRequest):
        st.markdown(
            f"- Task type **{request.task_type}**, priority **{request.priority}**, id `{request.task_id or NOTHING}`"
        )


def _followed(detail: DecisionDetail, names: Names) -> None:
    section("What came of it")
    if not detail.outcomes and not detail.overrides:
        st.caption("No outcome reported yet. The assistant posts it to `/api/v1/decisions/{id}/outcomes`.")
    for outcome in detail.outcomes:
        word, icon = ("Good", ":material/check_circle:") if outcome.is_success else ("Bad", ":material/error:")
        quality = "" if outcome.quality is None else f", quality {share(outcome.quality)}"
        st.markdown(
            f"{icon} **{word}**{quality} · {gulf_time(outcome.occurred_at)}  \n:gray[by {plain(outcome.actor_id)}]"
        )
        if outcome.note:
            st.text(outcome.note)
    for change in detail.overrides:
        st.markdown(
            f":material/edit: **Changed to {plain(called(change.action, names))}** · {gulf_time(change.occurred_at)}  \n:gray[by {plain(change.actor_id)}]"
        )
        st.text(f"“{change.reason}”")


def _change(detail: DecisionDetail, pin: Pin, viewer: Viewer, names: Names) -> None:
    if not viewer.reaches("operator"):
        return
    decision = detail.decision
    forbidden = {c.candidate_id for c in decision.candidates if verdict(c, decision) == "✗ Forbidden"}
    allowed = [c.candidate_id for c in decision.candidates if c.candidate_id not in forbidden]
    # What a rule forbids is named too, so that who looks for it reads why it cannot be.
    options = [name for name in [*allowed, HUMAN, *sorted(forbidden)] if name != detail.standing_action]
    with st.form("override", border=True):
        st.markdown("**Change this decision**")
        action = st.selectbox(
            "Who instead",
            options,
            index=None,
            placeholder="Choose",
            format_func=lambda name: called(name, names) + (" (forbidden)" if name in forbidden else ""),
        )
        reason = st.text_area("Why", max_chars=2000, height=80, placeholder="The next policy learns from this.")
        is_sent = st.form_submit_button("Change it", type="primary", icon=":material/edit:")
    st.caption("What a rule forbids stays forbidden. The change is sealed into the audit log.")
    if is_sent:
        _send(detail, pin, viewer, action=action or "", reason=reason, called=called(action or "", names))


def _send(detail: DecisionDetail, pin: Pin, viewer: Viewer, *, action: str, reason: str, called: str) -> None:
    try:
        seq = override(pin, detail.decision.decision_id, action=action, reason=reason, viewer=viewer)
    except AuroraError as error:
        st.error(f"{plain(error.message)} {plain(error.next_step)}", icon=":material/error:")
        return
    st.toast(f"Changed to {called}; sealed as record {seq:,}.", icon=":material/check_circle:")
    st.rerun()


def _candidates(decision: Decision, pin: Pin, names: Names) -> None:
    frame = candidates_frame(decision, names)
    show_table(
        frame,
        title="Candidates",
        pin=pin,
        empty="The decision was made without candidates.",
        columns={
            "candidate_id": st.column_config.TextColumn("Candidate"),
            "score": st.column_config.NumberColumn("Score", format="%.4f", help="The policy's; higher is better"),
            "quality": st.column_config.NumberColumn("Quality", format="percent", help="Expected, calibrated"),
            "propensity": st.column_config.NumberColumn("Probability", format="percent", help="Of being chosen"),
        },
    )
    if frame["score"].drop_nulls().len() > 1:
        charts.scores(frame)


def _receipt(detail: DecisionDetail, pin: Pin) -> None:
    section("Receipt", "What was sealed. `aurora audit verify` derives it again and compares.")
    decision = detail.decision
    show_replay(decision, pin)
    rows = {
        "Decision": decision.decision_id,
        "Place in the audit log": f"{detail.seq:,} of {detail.tree_size:,}",
        "Leaf (SHA-256)": detail.leaf,
        "Receipt (SHA-256)": detail.receipt_hash,
        "Lake snapshot": NOTHING if decision.snapshot_id is None else str(decision.snapshot_id),
        "Policy bundle": decision.bundle_hash or "none",
        "Rule pack": decision.rule_pack_hash,
        "Features": decision.feature_hash or "none",
        "Seed": str(decision.seed),
    }
    with st.container(border=True):
        for column, entries in zip(st.columns(2), (list(rows.items())[:5], list(rows.items())[5:]), strict=True):
            for label, value in entries:
                column.markdown(f":gray[{label}]  \n`{value}`")
    st.download_button(
        "Receipt as JSON",
        data=detail.receipt,
        file_name=f"{decision.decision_id}.json",
        mime="application/json",
        icon=":material/download:",
        on_click="ignore",
    )
