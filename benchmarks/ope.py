"""Off-policy evaluation: the published golden of the Open Bandit data, and how often the promotion gate is wrong.

`data` is a folder laid out as the shared one; a part that is absent gives no figure.

- `obd/`: inverse propensity scoring on the randomised log values ZOZOTOWN's Bernoulli Thompson sampling, relative to
  the random policy, as the Open Bandit Pipeline's own quick start does (1.1981 for campaign "all").
- `llmrouter/`, `routerbench/`: every llm's answer to every prompt is known, so the true gain of a challenger over a
  champion is known too. Half of the prompts train a pool of policies (good, bad, nearly equal, spoiled); decisions are
  logged on the other half as a canary logs them, `DECISIONS` at a time, and the gate judges. A promotion is false when
  the challenger is truly no better. The same under plain exploration is reported beside it, without a bar.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from aurora.settings import Settings
from benchmarks.harness import Result
from benchmarks.open_bandit import PRIORS, bernoulli_ts
from ml.off_policy.estimators import Floats, Ints, Logged, doubly_robust, ips, snips
from ml.off_policy.gate import CANARY_SHARE, Conduct, judge
from ml.off_policy.rewards import expected_rewards
from ml.route_llm import sources
from ml.route_llm.features import LabelledPrompts

DECISIONS: Final = 1_000
EPSILON: Final = 0.02
"""As the packs' policies.yaml."""
SPLITS: Final = 3
LOGS: Final = 12
"""Logs drawn for each champion, challenger and split; `scale` takes a share of them."""
COST_WEIGHT: Final = 0.1
"""What the dearest twentieth of answers costs in quality."""
NEARLY_EQUAL: Final = 0.01
GOLDEN_ALL: Final = 1.198126
WELL_BEHAVED: Final = Conduct(calibration_error=0.0, violation_count=0, p99_ms=0.0)


def run(*, data: Path | None, scale: float) -> list[Result]:
    """All figures of the parts that stand below `data`."""
    folder = data or Settings().shared_data_dir
    results = [*_open_bandit(folder), *_gate(folder, scale)]
    return results or [Result(metric="parts_measured", value=0.0, unit="count", bar=1.0, op=">=")]


# the golden ---------------------------------------------------------------------------------------


def _open_bandit(folder: Path) -> list[Result]:
    results = []
    for campaign in PRIORS:
        file = folder / "obd" / f"obd_random_{campaign}.parquet"
        if file.is_file():
            results += _campaign(pl.read_parquet(file), campaign, folder / "obd" / f"obd_bts_{campaign}.parquet")
    return results


def _campaign(frame: pl.DataFrame, campaign: str, online: Path) -> list[Result]:
    log = Logged(
        actions=frame["item_id"].to_numpy().astype(np.intp),
        rewards=frame["click"].to_numpy().astype(np.float64),
        propensities=frame["propensity_score"].to_numpy().astype(np.float64),
    )
    place = np.unique(frame["position"].to_numpy(), return_inverse=True)[1]
    policy = bernoulli_ts(campaign)[:, place].T
    base = float(log.rewards.mean())
    found = {
        "ips": ips(log, policy),
        "snips": snips(log, policy),
        "dr": doubly_robust(log, policy, expected_rewards(log, np.zeros_like(policy))),
    }
    results = [
        Result(metric=f"obd.{campaign}.{name}_relative", value=one.value / base, unit="ratio")
        for name, one in found.items()
    ]
    low, high = found["ips"].bounds()
    results += [
        Result(metric=f"obd.{campaign}.ips_relative_low", value=low / base, unit="ratio"),
        Result(metric=f"obd.{campaign}.ips_relative_high", value=high / base, unit="ratio"),
    ]
    if online.is_file():
        clicks = float(pl.read_parquet(online, columns=["click"])["click"].cast(pl.Float64).to_numpy().mean())
        results.append(Result(metric=f"obd.{campaign}.online_relative", value=clicks / base, unit="ratio"))
    if campaign == "all" and len(log) == 10_000:
        off = abs(found["ips"].value / base - GOLDEN_ALL)
        results.append(Result(metric="obd.all.distance_from_golden", value=off, unit="ratio", bar=0.0005, op="<="))
    return results


# the gate -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pool:
    """Policies over prompts that none of them was trained on. `rewards` (n, k) are known for every llm."""

    rewards: Floats
    choices: dict[str, Ints]
    prior: Floats
    """What a champion of few labels expected of each llm. (n, k)"""

    def value(self, name: str) -> float:
        """True mean reward of a policy."""
        return float(self.rewards[np.arange(len(self.rewards)), self.choices[name]].mean())


@dataclass(frozen=True, slots=True)
class Trial:
    """One judgement beside the truth."""

    gain: float
    is_promoted: bool


def _gate(folder: Path, scale: float) -> list[Result]:
    trials: dict[str, list[Trial]] = {"canary": [], "exploration": []}
    results = []
    for block in _blocks(folder):
        own: dict[str, list[Trial]] = {"canary": [], "exploration": []}
        for split in range(SPLITS):
            pool = _pool(block, np.random.default_rng(split))
            for trial_kind, trial in _trials(pool, np.random.default_rng([split, 1]), max(1, round(LOGS * scale))):
                own[trial_kind].append(trial)
        for trial_kind, found in own.items():
            trials[trial_kind] += found
        results += _rates(f"{block.source}.canary", own["canary"])
    if results:
        results += _rates("gate", trials["canary"], false_bar=0.02, power_bar=0.35)
        results += _rates("gate.exploration_only", trials["exploration"])
    return results


def _rates(
    name: str, trials: list[Trial], *, false_bar: float | None = None, power_bar: float | None = None
) -> list[Result]:
    gains = np.array([one.gain for one in trials])
    promoted = np.array([one.is_promoted for one in trials])
    worse, better = gains <= 0, gains > 0
    nearly = worse & (gains > -NEARLY_EQUAL)
    clearly = gains > 2 * NEARLY_EQUAL
    shares = [
        ("false_promotion_rate", worse, false_bar, "<="),
        ("false_promotion_rate_nearly_equal", nearly, None, None),
        ("power", better, power_bar, ">="),
        ("power_gain_over_0.02", clearly, None, None),
    ]
    results = [
        Result(
            metric=f"{name}.{metric}",
            value=float(promoted[rows].mean()) if rows.any() else 0.0,
            unit="share",
            bar=bar,
            op=op if bar is not None else None,  # type: ignore[arg-type]
        )
        for metric, rows, bar, op in shares
    ]
    counts = (("worse_trials", worse), ("better_trials", better))
    return results + [Result(metric=f"{name}.{key}", value=int(rows.sum()), unit="count") for key, rows in counts]


def _blocks(folder: Path) -> Iterator[LabelledPrompts]:
    shared = Settings().shared_data_dir
    prices = next(
        (f for f in (folder / sources.LLMROUTER_PRICES, shared / sources.LLMROUTER_PRICES) if f.is_file()), None
    )
    for file in sorted((folder / "llmrouter").glob("*.json")):
        if prices is not None and file.name != prices.name:
            yield sources.read_llmrouter(file, prices)
    for file in sorted((folder / "routerbench").glob("*.parquet")):
        yield sources.read_routerbench(file)


def _pool(block: LabelledPrompts, rng: np.random.Generator) -> Pool:
    """Policies of one half of the prompts, to be judged on the other."""
    from sklearn.cluster import KMeans
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import Ridge
    from sklearn.neighbors import NearestNeighbors

    order = rng.permutation(len(block.prompts))
    train, held = order[: len(order) // 2], order[len(order) // 2 :]
    words = TfidfVectorizer(sublinear_tf=True, min_df=2, ngram_range=(1, 2)).fit_transform(block.prompts)
    cost = np.clip(block.cost_usd / np.quantile(block.cost_usd, 0.95), 0.0, 2.0)
    rewards: Floats = np.clip(block.quality - COST_WEIGHT * cost, -0.2, 1.0)
    means = rewards[train].mean(axis=0)
    choices = {f"single_{k}": np.full(len(held), k) for k in np.argsort(-means)[:4]}
    prior = np.tile(means, (len(held), 1))
    for count in (100, 300, 1_000, len(train)):
        for penalty in (1.0, 10.0):
            said = Ridge(alpha=penalty).fit(words[train[:count]], rewards[train[:count]]).predict(words[held])
            choices[f"ridge_{count}_{penalty:g}"] = said.argmax(axis=1)
            prior = said if (count, penalty) == (300, 10.0) else prior
    places = TruncatedSVD(50, random_state=0).fit_transform(words)
    clusters = KMeans(20, n_init=2, random_state=0).fit(places[train])
    sums = np.stack([rewards[train][clusters.labels_ == c].sum(axis=0) for c in range(20)])
    sizes = np.bincount(clusters.labels_, minlength=20)[:, None]
    choices["cluster"] = ((sums + 10 * means) / (sizes + 10))[clusters.predict(places[held])].argmax(axis=1)
    near = NearestNeighbors(n_neighbors=min(100, len(train))).fit(places[train])
    nearest = near.kneighbors(places[held], return_distance=False)
    choices["nearest"] = rewards[train][nearest].mean(axis=1).argmax(axis=1)
    for share in (0.1, 0.3):
        spoiled = choices[f"ridge_{len(train)}_1"].copy()
        wrong = rng.random(len(held)) < share
        spoiled[wrong] = rng.integers(0, rewards.shape[1], int(wrong.sum()))
        choices[f"spoiled_{share:g}"] = spoiled
    return Pool(rewards[held], choices, prior)


def _trials(pool: Pool, rng: np.random.Generator, logs: int) -> Iterator[tuple[str, Trial]]:
    values = {name: pool.value(name) for name in pool.choices}
    champions = [n for n in pool.choices if n.startswith("single_")] + ["ridge_100_10", "ridge_300_10", "nearest"]
    for champion in champions:
        for _ in range(logs):
            rows = rng.integers(0, len(pool.rewards), DECISIONS)
            for challenger in pool.choices:
                if challenger == champion:
                    continue
                gain = values[challenger] - values[champion]
                for kind, share in (("canary", CANARY_SHARE), ("exploration", 0.0)):
                    yield kind, Trial(gain, _judged(pool, rows, champion, challenger, share, rng))


def _judged(pool: Pool, rows: Ints, champion: str, challenger: str, share: float, rng: np.random.Generator) -> bool:
    """Log decisions of a champion with a canary's share and exploration, and ask the gate."""
    count = pool.rewards.shape[1]
    old, new = np.eye(count)[pool.choices[champion][rows]], np.eye(count)[pool.choices[challenger][rows]]
    chances = (1 - EPSILON) * ((1 - share) * old + share * new) + EPSILON / count
    actions = (chances.cumsum(axis=1) > rng.random((len(rows), 1))).argmax(axis=1)
    every = np.arange(len(rows))
    log = Logged(actions, pool.rewards[rows][every, actions], chances[every, actions])
    return judge(log, new, old, pool.prior[rows], WELL_BEHAVED).is_promoted
