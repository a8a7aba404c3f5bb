"""``gazesim advise`` on three kinds of caches; its numbers are checked pair by pair."""

from __future__ import annotations

import csv
import importlib
from pathlib import Path

import numpy as np
import pytest

from conftest import REPO
from gazesim import AffinityCache, cli
from gazesim.cache.advice import CENTRED_GAIN, STUDY, Dwell, _dwell, advise, agreement_of, dwell_of
from gazesim.phantom import phantom

pytestmark = pytest.mark.filterwarnings("ignore::gazesim.InvalidGazeWarning")

SCREEN = (100.0, 100.0)


def looked_at(rng: np.random.Generator, middle: tuple[float, float], spread: float) -> np.ndarray:
    """Return a scanpath of 8 fixations around a place."""
    points = np.clip(np.array(middle) + rng.normal(0, spread, (8, 2)), 1, 99)
    return np.column_stack([points, rng.uniform(0.1, 0.4, 8)])


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> tuple[AffinityCache, dict]:
    """Three readers look at one of two places, which is the class: gaze follows the image."""
    rng = np.random.default_rng(5)
    middles = {f"i{k:02}": ((20, 25), (80, 75))[k % 2] for k in range(24)}
    gazes = {(name, f"r{r}"): looked_at(rng, at, 4) for name, at in middles.items() for r in range(3)}
    folder = tmp_path_factory.mktemp("advice") / "places"
    cache = AffinityCache.build(folder, list(gazes.values()), ids=list(gazes), screen_size=SCREEN)
    return cache, gazes


def test_gaze_that_follows_the_image(places) -> None:
    cache, gazes = places
    labels = {name: int(name[0][1:]) % 2 for name in cache.ids}
    found = advise(cache, labels=labels, gazes=gazes, screen_size=SCREEN, batch_size=16)
    assert len(found.lines) == 5
    assert found.extras == pytest.approx(4, abs=0.3)
    assert found.purity is not None
    assert found.purity > 0.95
    assert found.lift == pytest.approx(
        (found.purity - found.inspection.chance) / (1 - found.inspection.chance)
    )
    assert "average the readers" not in found.lines[2] or found.readers.share >= 0.75
    assert found.dwell.share > 0.9
    assert "a gaze target (framework: gaze) promises" in found.lines[3]
    assert "labels (100%) gave SimCLR +22.9 points (+11.7 to +34.0)" in found.lines[4]


def test_gaze_without_meaning(tmp_path: Path) -> None:
    """Random gaze of one reader and random labels: the advice is against all of it."""
    rng = np.random.default_rng(6)
    gazes = {f"i{k:03}": looked_at(rng, (50, 50), 15) for k in range(120)}
    cache = AffinityCache.build(tmp_path / "c", list(gazes.values()), ids=list(gazes), screen_size=SCREEN)
    labels = dict(zip(gazes, rng.integers(0, 4, 120).tolist(), strict=True))
    found = advise(cache, labels=labels, gazes=gazes, screen_size=SCREEN)
    assert abs(found.lift) < 0.1
    assert found.readers is None
    assert "cannot be told" in found.lines[2]
    assert found.dwell.share < 0.1
    assert "mostly the centre" in found.lines[3]
    assert "will not help" in found.lines[4]
    assert "far too many" in found.lines[0]  # equally weighted MultiMatch takes almost every pair at .7


def test_a_matrix_from_elsewhere(tmp_path: Path) -> None:
    """Nothing but numbers: two lines say what is missing, and nothing is made up."""
    rng = np.random.default_rng(7)
    matrix = rng.uniform(0, 0.6, (40, 40))
    matrix = np.maximum(matrix, matrix.T)
    cache = AffinityCache.from_matrix(tmp_path / "c", matrix, ids=[f"i{k}" for k in range(40)])
    found = advise(cache, batch_size=32)
    assert "adds 0.0 positives" in found.lines[0]
    assert "almost none" in found.lines[0]
    assert "--gaze FILE" in found.lines[3]
    assert "--labels TABLE" in found.lines[4]
    assert found.purity is None
    assert found.lift is None


@pytest.mark.parametrize("kind", [{"top_k": 1}, {"threshold": 0.999999}], ids=str)
def test_caches_that_kept_too_little(tmp_path: Path, kind: dict) -> None:
    data = phantom(60, seed=1)
    cache = AffinityCache.build(tmp_path / "c", data.scanpaths, errors="ignore", **kind)
    found = advise(cache)
    counted = (np.maximum(cache.matrix.toarray(), cache.matrix.toarray().T) > 0).sum() - cache.valid.sum()
    assert found.extras <= 127 * counted / (cache.valid.sum() * 59) + 1e-9
    assert found.lines[1].startswith("positives: ")


def test_nothing_to_advise(tmp_path: Path) -> None:
    cache = AffinityCache.build(tmp_path / "c", [np.ones((1, 3))] * 4, ids=list("abcd"), screen_size=(9, 9))
    found = advise(cache, gazes={"a": np.ones((1, 3))}, screen_size=(9, 9))
    assert "none is above 0" in found.lines[0]
    assert "too few to change a training" in found.lines[1]
    assert found.dwell is None
    with pytest.raises(ValueError, match="screen_size is missing; expected gazes and screen_size together"):
        advise(cache, gazes={})


def test_rows_without_positives_are_counted(tmp_path: Path) -> None:
    """Half of the images are alike and half are like nothing: they get no positives in any batch."""
    matrix = np.zeros((40, 40), dtype=np.float32)
    matrix[:20, :20] = np.random.default_rng(0).uniform(0.8, 0.9, (20, 20))
    matrix = np.maximum(matrix, matrix.T)
    matrix[20:, 20:] += 0.01
    cache = AffinityCache.from_matrix(tmp_path / "c", matrix, ids=range(40))
    found = advise(cache, batch_size=20)
    rng = np.random.default_rng(1)
    values = cache.block(cache.ids)
    alone = []
    for _ in range(2000):
        batch = rng.choice(40, 20, replace=False)
        passing = (values[np.ix_(batch, batch)] >= np.float32(found.threshold)).sum(axis=1) - 1
        alone.append((passing == 0).mean())
    assert found.alone == pytest.approx(np.mean(alone), abs=0.02)
    assert "have none; top_k spreads them" in found.lines[1]


# --- readers and dwell ----------------------------------------------------------------------------


def test_agreement_is_a_count_of_comparisons(places) -> None:
    cache, _ = places
    rng = np.random.default_rng(0)
    found = agreement_of(cache)
    assert (found.readers, found.images) == (3, 24)
    matrix = np.asarray(cache.matrix)
    image = np.array([name[0] for name in cache.ids])
    first, second = np.triu_indices(len(image), 1)
    same = image[first] == image[second]
    own, other = matrix[first, second][same], matrix[first, second][~same]
    wins = [
        (a > b) + (a == b) / 2 for a, b in zip(rng.choice(own, 20000), rng.choice(other, 20000), strict=True)
    ]
    assert found.share == pytest.approx(np.mean(wins), abs=0.01)


@pytest.mark.parametrize("reduce", ["mean", "max"])
def test_averaged_readers_agree_as_single_ones(places, tmp_path: Path, reduce: str) -> None:
    cache, gazes = places
    reduced = AffinityCache.build(
        tmp_path / "c", list(gazes.values()), ids=list(gazes), screen_size=SCREEN, reduce=reduce
    )
    assert agreement_of(reduced) == agreement_of(cache)


def test_dwell_of_known_spreads() -> None:
    rng = np.random.default_rng(2)
    middles = rng.normal(0.5, 0.06, (3000, 2))
    gazes = {
        k: np.column_stack([(at + rng.normal(0, 0.08, (12, 2))) * (200, 50), rng.uniform(0.5, 1.5, 12)])
        for k, at in enumerate(middles)
    }
    found = dwell_of(gazes, (200, 50))
    assert found.within == pytest.approx(0.08, rel=0.02)
    assert found.together == pytest.approx(0.10, rel=0.02)
    assert found.share == pytest.approx(0.36, abs=0.03)


def test_few_fixations_do_not_look_distinct() -> None:
    """Three random fixations have different middles in every image, without telling anything of it."""
    rng = np.random.default_rng(3)
    gazes = {k: np.column_stack([rng.random((3, 2)), rng.random(3)]) for k in range(5000)}
    assert dwell_of(gazes, (1, 1)).share < 0.03


# --- what it says of the study --------------------------------------------------------------------


def test_what_the_study_saw(monkeypatch: pytest.MonkeyPatch) -> None:
    """The numbers in the advice are those of the study's table."""
    monkeypatch.syspath_prepend(str(REPO))
    paired = importlib.import_module("benchmarks.study.statistics").paired
    with open(REPO / "benchmarks" / "results" / "study" / "cpu" / "study.csv", encoding="utf-8") as file:
        cells = {
            (row["framework"], row["method"], int(row["seed"])): row
            for row in csv.DictReader(file)
            if row["part"] == "D" and row["extras"] in ("0", "2", "4")
        }
    seeds = range(11, 16)
    for result in STUDY:
        for framework, extras in (("simclr", "4"), ("byol", "2")):
            ours = [cells[framework, result.positives, seed] for seed in seeds]
            assert {row["extras"] for row in ours} == {extras}
            plain = [float(cells[framework, "plain", seed]["probe_100"]) for seed in seeds]
            gain = paired([100 * (float(a["probe_100"]) - b) for a, b in zip(ours, plain, strict=True)])
            known = getattr(result, framework)
            assert known == pytest.approx((gain.mean, *gain.t), abs=0.06), (result.positives, framework)
        pure = np.mean([float(cells["simclr", result.positives, seed]["purity"]) for seed in seeds])
        assert result.lift == pytest.approx((pure - 0.25) / 0.75, abs=0.01), result.positives


def test_the_gain_on_photographs_is_that_of_the_study(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(REPO))
    paired = importlib.import_module("benchmarks.study.statistics").paired
    with open(REPO / "benchmarks" / "results" / "study" / "osie" / "osie.csv", encoding="utf-8") as file:
        dice = {(row["method"], row["seed"]): float(row["seg_dice_100"]) for row in csv.DictReader(file)}
    seeds = [seed for method, seed in dice if method == "gaze"]
    gain = paired([dice["gaze", seed] - dice["simclr", seed] for seed in seeds])
    assert pytest.approx((gain.mean, *gain.t), abs=0.0006) == CENTRED_GAIN
    line = _dwell(Dwell(700, within=0.23, together=0.25))
    assert "OSIE's (16 %) segments text and faces by +0.027 Dice (+0.012 to +0.043) better" in line


# --- the command ----------------------------------------------------------------------------------


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = phantom(80, seed=3)
    cache = AffinityCache.build(tmp_path / "c", data.scanpaths, errors="ignore")
    table = tmp_path / "labels.csv"
    table.write_text("".join(f"{name},{label}\n" for name, label in zip(cache.ids, data.labels, strict=True)))
    assert cli.main(["advise", str(tmp_path / "c"), "--labels", str(table), "--batch_size", "32"]) == 0
    lines = capsys.readouterr().out.strip().split("\n")
    assert [line.partition(":")[0] for line in lines] == [
        "affinities",
        "positives",
        "readers",
        "dwell",
        "labels",
    ]
    assert "share a label (chance 24%" in lines[4]
    assert "depends on the image" in lines[3]  # MultiMatch keeps fixations
