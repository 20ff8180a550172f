"""The bench on a folder in NAB's layout: pages in and beside the labelled windows are counted as they are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from aurora.alerts.triage import THRESHOLDS
from aurora.errors import NotFoundError
from benchmarks.alerts import run
from benchmarks.campaigns.labelled_series import SPLITS
from tests.alerts.test_detectors import _daily, _times


def _folder(folder: Path, jumps: dict[str, int], windows: dict[str, list[int]]) -> Path:
    labels = {}
    for name, at in jumps.items():
        values, times = _daily(960), _times(960)
        if at:
            values[at : at + 20] += 120
        file = folder / "data" / "made" / f"{name}.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        texts = [str(moment).replace("T", " ") for moment in times.astype("datetime64[s]")]
        rows = "\n".join(f"{text},{value}" for text, value in zip(texts, values, strict=True))
        file.write_text(f"timestamp,value\n{rows}\n", encoding="utf-8")
        labels[f"made/{name}.csv"] = [[texts[place - 10], texts[place + 30]] for place in windows.get(name, [])]
    (folder / "labels").mkdir()
    (folder / "labels" / "combined_windows.json").write_text(json.dumps(labels), encoding="utf-8")
    return folder


def test_right_and_wrong_pages_and_missed_windows_are_counted(tmp_path: Path) -> None:
    folder = _folder(tmp_path, {"right": 700, "wrong": 500, "calm": 0}, {"right": [700], "calm": [800]})
    found = {result.metric: result.value for result in run(data=folder, scale=1.0)}
    assert (found["pages_precision"], found["pages_precision_n"]) == (0.5, 2)
    assert (found["pages_recall"], found["pages_recall_n"]) == (0.5, 2)
    assert found["pages_precision_low"] < 0.5 < found["pages_precision_high"]
    assert found["page_threshold_of_this_data"] == -1.0
    assert found["series"] == 3
    assert np.isfinite(found["samples_per_s"])


def test_a_folder_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"combined_windows\.json"):
        run(data=tmp_path, scale=1.0)


def test_settings_are_chosen_on_half_of_the_series_and_judged_on_the_other(tmp_path: Path) -> None:
    names = {f"s{place}": 700 for place in range(6)}
    folder = _folder(tmp_path, names, {name: [700] for name in names})
    found = {result.metric: result.value for result in run(data=folder, scale=1.0)}
    assert found["half_of_series_splits"] == SPLITS
    assert (found["half_of_series_precision"], found["half_of_series_recall"]) == (1.0, 1.0)
    assert found["at_0.15_precision"] == 1.0
    assert len([name for name in found if name.startswith("at_") and name.endswith("_recall")]) == len(THRESHOLDS)
    assert not any(name.startswith("twin_") for name in found)
