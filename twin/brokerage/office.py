"""The company behind the brokerage: identity, data under law, machines, and what AI did; with their planted cases."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from twin.brokerage import acts, data_estate, duties, identity, machinery
from twin.brokerage.draws import DAY, Flags, exported, microseconds
from twin.brokerage.life import FEWEST_DAYS
from twin.cases import data_cases, machine_cases, party_cases
from twin.cases.ledger import Ledger
from twin.frame import Export, Frame

_EDGES = (
    ("clara", "omar"),
    ("clara", "laila"),
    ("mary", "sofia"),
    ("linda", "clara"),
    ("amira", "laila"),
    ("nina", "hassan"),
)
_SEASONED = 110
"""Fewest days that incidents and requests reach back, so that a clock of 60 days can have run out."""


class Office:
    """Tables of the office, as its systems export them."""

    def __init__(self, frame: Frame, ledger: Ledger) -> None:
        self.frame, self.ledger = frame, ledger
        self.end = microseconds(frame.until)
        self.start = min(microseconds(frame.start), self.end - FEWEST_DAYS * DAY)
        self.assistants = [one.assistant_id for one in frame.pack.assistants]
        self.exports: list[Export] = []

    def export(self, source: str, contract: str, rows: pl.DataFrame) -> None:
        """Hand rows over."""
        self.exports.append(Export(source=source, contract=contract, rows=exported(contract, rows)))

    def identity(self, sales: pl.DataFrame) -> None:
        """Companies, principals, roles, grants, accesses and the trails; `sales` are the deals that the trail is about."""
        draw, plant, source = self.frame.draws("office/identity"), self.ledger.plant, "twin_identity"
        companies = identity.tenants(draw, end=self.end)
        tenants = plant(companies, source, "tenant", party_cases.tenant_cases(self.ledger, identity.TENANT))
        self.export(source, "tenant", tenants)
        known = identity.principals(draw, self.assistants, start=self.start, end=self.end)
        self.export(source, "principal", known)
        self.export(source, "access_role", identity.roles(start=self.start))
        grants = identity.grants(draw, known, start=self.start, end=self.end)
        self.export(
            source, "access_grant", plant(grants, source, "access_grant", machine_cases.grant_cases(self.ledger))
        )
        seen = identity.accesses(draw, max(600, self.frame.count(4200)), start=self.start, end=self.end)
        self._trail("twin_governance", identity.access_trail(seen), self._free_rows(seen.height, lost=False))
        seen = plant(seen, source, "access_event", machine_cases.access_cases(companies["tenant_id"][1]))
        self.export(source, "access_event", seen)
        shown = identity.rendered_fields(draw, max(60, self.frame.count(400)), start=self.start, end=self.end)
        self.export(source, "rendered_field", plant(shown, source, "rendered_field", machine_cases.rendered_cases()))
        count = max(240, self.frame.count(2400))
        trail = identity.compliance_trail(draw, sales, count, start=self.start, end=self.end)
        self._trail("twin_laila", trail, self._free_rows(count, lost=True))

    def _free_rows(self, count: int, *, lost: bool) -> tuple[Flags, Flags]:
        """Which entries of a trail of `count` are tampered with, and which are taken out."""
        draw = self.frame.draws(f"cases/trail/{lost}")
        chosen = draw.choice(np.arange(2, count - 2, 3), self.ledger.many * 2, replace=False)
        tampered, gone = np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.bool_)
        tampered[chosen[: self.ledger.many]] = True
        if lost:
            gone[chosen[self.ledger.many :]] = True
        return tampered, gone

    def _trail(self, source: str, rows: pl.DataFrame, marks: tuple[Flags, Flags]) -> None:
        made = identity.chained(rows, tampered=marks[0], lost=marks[1])
        cases = [
            machine_cases.trail_case("_tampered"),
            machine_cases.trail_case("_after_gap"),
            machine_cases.first_entry(),
        ]
        for case in cases:
            found = made.filter(case.where)
            if found.height:
                self.ledger.enter(found, source, "audit_event", case)
        self.export(source, "audit_event", made)

    def data(self, agreed: pl.DataFrame) -> None:
        """Data sets and what the law says of them; `agreed` are consents of parties."""
        draw, plant, source = self.frame.draws("office/data"), self.ledger.plant, "twin_governance"
        sets = data_estate.datasets(draw, end=self.end)
        fields = data_estate.fields(draw, sets, end=self.end)
        self.export(source, "dataset", plant(sets, source, "dataset", data_cases.dataset_cases()))
        self.export(source, "field", plant(fields, source, "field", data_cases.field_cases()))
        rows = data_estate.dataset_rows(draw, max(160, self.frame.count(900)), end=self.end)
        self.export(source, "dataset_row", plant(rows, source, "dataset_row", data_cases.row_cases(self.ledger)))
        self.export(source, "purpose", data_estate.purposes(start=self.start))
        self.export(source, "sharing_rule", data_estate.sharing_rules(start=self.start))
        work = data_estate.processings(draw, agreed, start=self.start, end=self.end)
        self.export(source, "processing", plant(work, source, "processing", data_cases.processing_cases()))
        vendors = data_estate.vendors(draw, start=self.start, end=self.end)
        self.export(source, "vendor", plant(vendors, source, "vendor", data_cases.vendor_cases(self.ledger)))
        sent = data_estate.transfers(draw, max(240, self.frame.count(1200)), start=self.start, end=self.end)
        self.export(source, "transfer", plant(sent, source, "transfer", data_cases.transfer_cases()))
        self._duties(agreed["party_id"])

    def _duties(self, party: pl.Series) -> None:
        draw, plant, source = self.frame.draws("office/duties"), self.ledger.plant, "twin_governance"
        count = max(150, self.frame.count(260))
        early = min(self.start, self.end - _SEASONED * DAY)
        who = party.gather(draw.integers(0, len(party), count))
        asked = duties.requests(draw, who, start=early, end=self.end)
        self.export(source, "dsr", plant(asked, source, "dsr", data_cases.request_cases(self.ledger)))
        seen = duties.incidents(draw, max(80, self.frame.count(120)), start=early, end=self.end)
        self.export(source, "incident", plant(seen, source, "incident", data_cases.incident_cases(self.ledger)))
        hits = duties.scan_hits(draw, max(70, self.frame.count(160)), start=self.start, end=self.end)
        self.export(source, "scan_hit", plant(hits, source, "scan_hit", data_cases.scan_cases()))

    def machines(self) -> None:
        """AI systems, endpoints, changes, upkeep."""
        draw, plant, source, frame = (
            self.frame.draws("office/machines"),
            self.ledger.plant,
            "twin_operations",
            self.frame,
        )
        systems = machinery.ai_systems(draw, self.assistants, end=self.end)
        self.export(
            "twin_governance", "ai_system", plant(systems, "twin_governance", "ai_system", machine_cases.system_cases())
        )
        ends = machinery.llm_endpoints(draw, end=self.end)
        self.export(source, "llm_endpoint", plant(ends, source, "llm_endpoint", machine_cases.endpoint_cases()))
        made = machinery.changes(draw, max(60, frame.count(240)), start=self.start, end=self.end)
        self.export(source, "change", plant(made, source, "change", machine_cases.change_cases()))
        upkeep = {
            "backup": machinery.backups(draw, end=self.end),
            "component": machinery.components(draw, end=self.end),
            "connection": machinery.connections(draw, end=self.end),
            "pipeline_run": machinery.pipeline_runs(draw, max(60, frame.count(900)), start=self.start, end=self.end),
            "rule_pack": machinery.rule_packs(draw, end=self.end),
            "audit_log": machinery.audit_logs(draw, end=self.end),
            "alert": machinery.alerts(draw, max(60, frame.count(500)), start=self.start, end=self.end),
        }
        for contract, cases in machine_cases.upkeep_cases(self.ledger).items():
            self.export(source, contract, plant(upkeep[contract], source, contract, cases))

    def acts(self, party: pl.Series) -> None:
        """What AI did: operations at the gateway, decisions about `party`, commands and handoffs."""
        draw, plant, frame = self.frame.draws("office/acts"), self.ledger.plant, self.frame
        done = acts.operations(draw, max(80, frame.count(600)), start=self.start, end=self.end)
        self.export(acts.GATEWAY, "usage", plant(done, acts.GATEWAY, "usage", machine_cases.operation_cases()))
        count = max(320, frame.count(1500))
        who = party.gather(draw.integers(0, len(party), count))
        decided = acts.decisions(draw, who, self.assistants, start=self.start, end=self.end)
        source = "twin_decision_log"
        self.export(source, "ai_decision", plant(decided, source, "ai_decision", machine_cases.decision_cases()))
        orders = {
            "command": acts.commands(draw, frame, max(80, frame.count(300)), start=self.start, end=self.end),
            "handoff": acts.handoffs(draw, self._edges(), max(80, frame.count(300)), start=self.start, end=self.end),
        }
        for contract, cases in machine_cases.order_cases().items():
            self.export("twin_orchestrator", contract, plant(orders[contract], "twin_orchestrator", contract, cases))

    def _edges(self) -> Sequence[tuple[str, str]]:
        known = sorted(self.frame.edges) or list(_EDGES)
        return [edge for edge in known if set(edge) <= set(self.assistants)] or [
            (self.assistants[0], self.assistants[-1])
        ]
