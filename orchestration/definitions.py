"""The graph: everything that is materialised, checked, watched and scheduled. Nothing runs at import.

Each room of `orchestration/defs` says what it has; this puts it together. `dagster dev` loads `defs`.
"""

from __future__ import annotations

import dagster as dg

from orchestration.defs.alerts.assets import (
    ALERTS_KEY,
    DIGEST_KEY,
    alerts_asset,
    alerts_sensor,
    digest_asset,
    digest_schedule,
)
from orchestration.defs.compliance.assets import compliance_assets
from orchestration.defs.decisions.assets import decision_assets
from orchestration.defs.decisions.ledger import LEDGER_KEY, ledger_asset, ledger_schedule
from orchestration.defs.entities.assets import entity_assets
from orchestration.defs.ingest.assets import ingest_assets
from orchestration.defs.ingest.checks import ingest_checks
from orchestration.defs.ingest.pulls import PULLED_KEY, pull_sensor, pulled_asset
from orchestration.defs.ingest.sensors import landing_sensor
from orchestration.defs.ml.assets import GROUP as ML_GROUP
from orchestration.defs.ml.assets import ml_assets
from orchestration.defs.ml.demand import DEMAND_KEY, demand_asset, demand_schedule
from orchestration.defs.ml.learning import LEARNING_KEY, learning_asset, learning_schedule
from orchestration.defs.quality.checks import quality_checks
from orchestration.defs.transform.assets import transform_assets
from orchestration.defs.upkeep.assets import UPKEEP_KEY, upkeep_asset
from orchestration.defs.upkeep.schedules import schedules
from orchestration.resources import Workspace


def build_assets() -> list[dg.AssetsDefinition]:
    """What `build` materialises, the checks apart."""
    return [
        *ingest_assets(),
        *entity_assets(),
        *compliance_assets(),
        *transform_assets(),
        *decision_assets(),
        *ml_assets(),
    ]


def build_definitions() -> dg.Definitions:
    """Everything. Steps run in the run's own process: stages share write locks, and a process costs 3 s."""
    upkeep = dg.AssetSelection.assets(UPKEEP_KEY)
    pulled, alerts = dg.AssetSelection.assets(PULLED_KEY), dg.AssetSelection.assets(ALERTS_KEY, DIGEST_KEY)
    demand, ledger = dg.AssetSelection.assets(DEMAND_KEY), dg.AssetSelection.assets(LEDGER_KEY)
    learning = dg.AssetSelection.assets(LEARNING_KEY)
    rounds = pulled | alerts | ledger | learning
    figures = dg.AssetSelection.all() - upkeep - rounds - demand - dg.AssetSelection.groups(ML_GROUP)
    what_changed = dg.define_asset_job("what_changed", figures, description="Ingest, marts and features.")
    everything = dg.define_asset_job(
        "everything", dg.AssetSelection.all() - upkeep - rounds - demand, description="A whole build."
    )
    nightly = dg.define_asset_job(
        "nightly", dg.AssetSelection.all() - rounds - demand, description="A whole build, then the upkeep."
    )
    pull = dg.define_asset_job("pull", pulled, description="Pages from the assistants' export endpoints.")
    told = dg.define_asset_job(
        "alerts", dg.AssetSelection.assets(ALERTS_KEY), description="A round of alert rules; pages go out."
    )
    digest = dg.define_asset_job(
        "digest", dg.AssetSelection.assets(DIGEST_KEY), description="What may be worth a look goes out."
    )
    conflicts = dg.define_asset_job("ledger", ledger, description="A round of the conflict ledger.")
    capacity = dg.define_asset_job("capacity", demand, description="Demand of the next hour, and plans for it.")
    learn = dg.define_asset_job("learning", learning, description="A step of the learning loop.")
    return dg.Definitions(
        assets=[
            *build_assets(),
            upkeep_asset(),
            pulled_asset(),
            alerts_asset(),
            digest_asset(),
            demand_asset(),
            ledger_asset(),
            learning_asset(),
        ],
        asset_checks=[ingest_checks(), quality_checks()],
        jobs=[what_changed, everything, nightly, pull, told, digest, capacity, conflicts, learn],
        schedules=[
            *schedules(hourly=what_changed, nightly=nightly),
            digest_schedule(digest),
            demand_schedule(capacity),
            ledger_schedule(conflicts),
            learning_schedule(learn),
        ],
        sensors=[landing_sensor(what_changed), pull_sensor(pull), alerts_sensor(told)],
        resources={"workspace": Workspace()},
        executor=dg.in_process_executor,
    )


defs = build_definitions()
