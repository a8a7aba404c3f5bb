"""Every verb ends with a line on stderr that proposes the next command, and the command is valid."""

from __future__ import annotations

import contextlib
import io
import shlex
import warnings
from inspect import signature

import numpy as np
import pytest

pytest.importorskip("gazesim.train")

from gazesim import AffinityCache, InvalidGazeWarning
from gazesim.cli import VERBS, arguments_of, main
from gazesim.commands import affinity as affinity_verb
from gazesim.commands import compare as compare_verb
from gazesim.commands import evaluate as evaluate_verb
from gazesim.commands import example, export_backbone, fixations, inspect, look, manifest, predict_gaze
from gazesim.commands.pretrain import configuration_of
from gazesim.commands.reading import FILE_OPTIONS
from gazesim.train.reproduce.experiments import names as experiment_names

RUNS = {
    "affinity": affinity_verb.run, "compare": compare_verb.run, "evaluate": evaluate_verb.run,
    "example": example.run, "export-backbone": export_backbone.run, "fixations": fixations.run,
    "inspect": inspect.run, "look": look.run, "manifest": manifest.run,
}  # fmt: skip
SCREEN = "--screen_size 1920,1080"
PHANTOM = "--data.phantom.n_train 32 --data.phantom.n_test 8 --data.phantom.size 32 --data.batch_size 16"
TRAINER = "--model.backbone resnet18 --trainer.max_epochs 1 --trainer.accelerator cpu"
PROBE = "--protocols knn --fractions 1 --maps 0 --out scores"
#: Commands in the order in which a study types them, and the verb that each proposes.
WAY = [
    ("example tour --n 16", "look"),
    ("look tour/gaze/anna.tsv", "fixations"),
    ("fixations tour/gaze --out fixations.csv", "manifest"),
    (f"look fixations.csv {SCREEN}", "affinity"),
    (f"affinity fixations.csv {SCREEN}", "affinity"),
    (f"affinity fixations.csv {SCREEN} --cache parts --reduce mean --block 1/1", "affinity"),
    ("affinity fixations.csv --cache parts --merge", "inspect"),
    (
        f"manifest tour/images --gaze fixations.csv --labels tour/labels.csv {SCREEN} --placement fit",
        "affinity",
    ),
    ("affinity manifest.csv --reduce mean --cache affinities", "inspect"),
    ("inspect affinities --batch_size 8", "pretrain"),
    ("advise affinities --labels tour/labels.csv --batch_size 8", "inspect"),
    (f"compare fixations.csv fixations.csv {SCREEN} --measures multimatch", "compare"),
    (f"compare fixations.csv fixations.csv {SCREEN} --measures dtw_distance --out t.csv", "compare"),
    (
        f"pretrain --config demo {PHANTOM} {TRAINER} --out run",
        "evaluate",
    ),
    (f"evaluate run {PROBE}", "evaluate"),
    (f"evaluate run {PROBE} --baselines scratch", "export-backbone"),
    ("export-backbone run", "evaluate"),
    ("reproduce --list", "reproduce"),
    ("reproduce mcgip-table-1 --scale smoke --dry_run --only 'ResNet-18, MoCo'", "reproduce"),
    ("predict-gaze fit model --phantom 16 --epochs 1 --size 32", "predict-gaze"),
    ("predict-gaze run model tour/images maps", "pretrain"),
]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Run the way; return the last line on stderr of every command."""
    lines = []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("way"))
        patch.setenv("TQDM_DISABLE", "1")
        patch.setattr("gazesim.commands.program", lambda: "gazesim")
        for command, _ in WAY:
            said = io_of(shlex.split(command))
            lines.append(said.splitlines()[-1])
    return lines


def io_of(command):
    """Run a command and return what it writes on stderr."""
    stream = io.StringIO()
    with (
        contextlib.redirect_stderr(stream),
        contextlib.redirect_stdout(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", InvalidGazeWarning)  # one reader's gaze of an image is short
        assert main(command) == 0, (command, stream.getvalue())
    return stream.getvalue()


@pytest.mark.parametrize("number", range(len(WAY)), ids=[words[:40] for words, _ in WAY])
def test_the_last_line_is_a_command(told, number):
    line, verb = told[number], WAY[number][1]
    assert line.startswith(f"next: gazesim {verb} "), line
    words = shlex.split(line)[3:]
    if verb == "pretrain":
        assert configuration_of(words)["data"]["manifest"]
    elif verb == "reproduce":
        assert words[0] in experiment_names()
    elif verb == "predict-gaze":
        assert arguments_of(predict_gaze.run[words[0]], words[1:])
    else:
        assert arguments_of(RUNS[verb], words)


def test_every_verb_is_on_the_way():
    assert {command.split()[0] for command, _ in WAY} | {"demo"} == set(
        VERBS
    )  # demo: tests/commands/test_demo.py


def proposed(command):
    """Run a command; return the verb and the words that its last line proposes."""
    _, _, verb, *words = shlex.split(io_of(shlex.split(command)).splitlines()[-1])
    return verb, words


@pytest.fixture
def gaze_folder(tmp_path, monkeypatch):
    """Work in a folder with gaze.csv, other.csv (a table of other columns) and images."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TQDM_DISABLE", "1")
    monkeypatch.setattr("gazesim.commands.program", lambda: "gazesim")
    rng = np.random.default_rng(0)
    rows = [
        f"{i},{r},{x:.1f},{y:.1f},{d:.3f}\n"
        for i in "abcd"
        for r in "st"
        for x, y, d in rng.uniform((9, 9, 0.1), (60, 40, 0.4), (6, 3))
    ]
    (tmp_path / "gaze.csv").write_text("image_id,reader_id,x,y,duration\n" + "".join(rows))
    (tmp_path / "other.csv").write_text("pic,who,gx,gy,len\n" + "".join(rows))
    (tmp_path / "images").mkdir()
    for name in "abcd":
        np.save(tmp_path / "images" / f"{name}.npy", np.zeros((48, 64), np.uint8))
    return tmp_path


@pytest.mark.parametrize(
    "options",
    [
        "",
        "--weights 0.1,0.1,0.1,0.1,0.6",
        "--weights 0.123456789,0.2,0.2,0.2,0.276543211 --grouping 16,45,0.3",
        "--scheme scanmatch --parameters '{\"grid\": [6, 4]}'",
        "--scheme tima --sigma_px 4.5",
        "--scheme moments --sigma_px 3 --reduce pool",
        "--scheme dhash --sigma_deg 1.5 --screen_cm 53,30 --distance_cm 60",
        "--scheme moments --images images --placement fit --sigma_px 3",
        "--missing -1,-1",
        "--missing=-1,-1 --offset -2,3",
        "--missing '-9999 -1,-1' --off_image drop --n_threads 1",
    ],
)
def test_the_proposed_cache_is_of_the_affinities_that_were_shown(gaze_folder, options):
    shown = f"affinity gaze.csv --screen_size 64,48 {options} --out shown.npy"
    verb, words = proposed(shown)
    given = arguments_of(affinity_verb.run, shlex.split(shown)[1:])
    again = arguments_of(affinity_verb.run, words)
    assert verb == "affinity"
    assert again == given | {"cache": "gaze.cache", "out": None}
    io_of([verb, *words])
    assert np.array_equal(AffinityCache.open("gaze.cache").matrix, np.load("shown.npy"))


@pytest.mark.parametrize(
    ("command", "run", "expected"),
    [
        (
            "look other.csv --format generic --columns x=gx,y=gy,duration=len,image=pic,reader=who "
            "--screen_size 64,48 --missing=-1,-1 --offset -2,3 --off_image clip",
            affinity_verb.run,
            {},
        ),
        ("look gaze.csv --format tidy --by reader_id --screen_size 64,48", affinity_verb.run, {}),
        (
            "compare gaze.csv gaze.csv --screen_size 64,48 --predicted_format tidy --measures dtw_distance "
            "--shuffles 2 --resamples 9 --seed 3 --rows all --missing -1,-1",
            compare_verb.run,
            {"out": "scores.csv"},
        ),
        (
            "compare gaze.csv gaze.csv --screen_size 64,48 --measures recurrence --shuffles 2 --out s.csv "
            '--parameters \'{"recurrence": {"radius_px": 6}}\'',
            compare_verb.run,
            {"out": "pairs.csv", "rows": "pair"},
        ),
    ],
)
def test_every_option_that_the_next_verb_takes_is_given_again(gaze_folder, command, run, expected):
    asked, *words = shlex.split(command)
    given = arguments_of(RUNS[asked], words) | expected
    next_verb, words = proposed(command)
    assert RUNS[next_verb] is run
    again = arguments_of(run, words)
    assert {name: again[name] for name in given if name in again} == {
        name: value for name, value in given.items() if name in again
    }
    io_of([next_verb, *words])


def test_raw_gaze_is_proposed_with_the_options_that_fixations_takes(gaze_folder):
    rows = "".join(f"a,{10 * k},{200 + 300 * (k > 30)},{100}\n" for k in range(60))
    (gaze_folder / "raw.csv").write_text("image_id,time,x,y\n" + rows)
    assert set(look.NOT_OF_FIXATIONS) == FILE_OPTIONS - set(signature(fixations.run).parameters)
    verb, words = proposed("look raw.csv --missing -1,-1 --off_image drop --screen_size 1920,1080")
    assert (verb, words) == (
        "fixations",
        ["raw.csv", "--screen_size", "1920,1080", "--missing=-1,-1", "--out", "fixations.csv"],
    )
    io_of([verb, *words])


def test_look_asks_for_a_screen_that_nobody_stated(gaze_folder):
    verb, words = proposed("look gaze.csv --format tidy")
    assert (verb, words) == (
        "affinity",
        ["gaze.csv", "--format", "tidy", "--screen_size", "WIDTH,HEIGHT"],
    )


def test_inspect_is_proposed_with_images_and_the_batch_size(gaze_folder):
    verb, words = proposed("affinity gaze.csv --screen_size 64,48 --images images --placement fit --cache c")
    assert (verb, words) == ("inspect", ["c", "--images", "images"])
    io_of([verb, *words])
    asked = "--batch_size 4 --gaze gaze.csv --screen_size 64,48 --missing=-1,-1"
    verb, words = proposed(f"advise c {asked}")
    assert verb == "inspect"
    assert arguments_of(inspect.run, words) == arguments_of(inspect.run, ["c", *shlex.split(asked)])
    io_of([verb, *words])


def test_numbers_of_settings_are_given_again(told):
    """A proposal repeats the options that differ from their defaults."""
    line = next(line for line, (words, _) in zip(told, WAY, strict=True) if words.startswith("evaluate"))
    assert "--protocols knn --fractions 1 --baselines scratch --maps 0 --out scores" in line
