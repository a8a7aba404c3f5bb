"""Every verb ends with a line on stderr that proposes the next command, and the command is valid."""

from __future__ import annotations

import contextlib
import io
import shlex
import warnings

import pytest

pytest.importorskip("gazesim.train")

from gazesim import InvalidGazeWarning
from gazesim.cli import VERBS, arguments_of, main
from gazesim.commands import affinity as affinity_verb
from gazesim.commands import compare as compare_verb
from gazesim.commands import evaluate as evaluate_verb
from gazesim.commands import example, export_backbone, fixations, inspect, look, manifest, predict_gaze
from gazesim.commands.pretrain import configuration_of
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


def test_numbers_of_settings_are_given_again(told):
    """A proposal repeats the options that differ from their defaults."""
    line = next(line for line, (words, _) in zip(told, WAY, strict=True) if words.startswith("evaluate"))
    assert "--protocols knn --fractions 1 --baselines scratch --maps 0 --out scores" in line
