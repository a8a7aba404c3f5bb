"""The command line as a whole."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import subprocess
import sys
from inspect import signature
from pathlib import Path

import pytest

import gazesim
from gazesim.cli import VERBS, arguments_of, main, verb_options, version
from gazesim.commands import program, say_next
from gazesim.commands.help import HELP_LINES
from gazesim.commands.pretrain import configuration_of
from gazesim.commands.reading import read_gaze


def actions(verb):
    """Return the functions of a verb by the words that name them; pretrain has a parser of its own."""
    run = getattr(importlib.import_module(f"gazesim.commands.{VERBS[verb][0]}"), "run", None)
    return {(verb, name): one for name, one in run.items()} if isinstance(run, dict) else {(verb,): run}


ALL = {words: run for verb in VERBS for words, run in actions(verb).items()}
RUNS = {words: run for words, run in ALL.items() if run is not None}


def test_overview_names_every_verb(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(verb in text for verb in VERBS)


def test_unknown_verb(capsys):
    assert main(["afinity"]) == 2
    assert 'did you mean "affinity"?' in capsys.readouterr().err


def test_no_verb(capsys):
    assert main([]) == 2
    assert "usage" in capsys.readouterr().out


def test_a_reader_that_goes_away_is_no_error():
    script = "import sys; from gazesim.cli import main; sys.exit(main(['pretrain', '--help_all']))"
    read, write = os.pipe()
    os.close(read)
    ended = subprocess.run([sys.executable, "-c", script], stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert (ended.returncode, ended.stderr) == (141, "")


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.split()[:2] == ["gazesim", gazesim.__version__]


def test_version_tells_the_simd_level_where_the_compiled_module_does(monkeypatch):
    monkeypatch.setattr("gazesim._core.simd_level", lambda: "avx2", raising=False)
    assert version() == f"gazesim {gazesim.__version__} (avx2)"


@pytest.mark.parametrize("columns", ["80", "120"])
@pytest.mark.parametrize("words", RUNS, ids=" ".join)
def test_help_is_short_and_names_every_option(words, columns, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    assert main([*words, "--help"]) == 0
    text = capsys.readouterr().out
    assert len(text.splitlines()) <= HELP_LINES < 25
    assert RUNS[words].__doc__.splitlines()[0].split(".")[0] in " ".join(text.split())
    assert "example: gazesim " in text.splitlines()[-1]
    for one in verb_options(RUNS[words]):
        section, _, field = one.name.partition(".")
        in_section = rf"--{section}\.NAME:[^:]*\b{field}\b" if field else "$^"
        is_named = one.name.upper() in text if one.is_required else f"--{one.name}" in text
        assert is_named or re.search(in_section, text), one.name


SCREENS = [*ALL, *{words[:1] for words in ALL if len(words) > 1}]


@pytest.mark.parametrize("words", SCREENS, ids=" ".join)
def test_help_fits_a_screen_without_colours(words, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("FORCE_COLOR", "1")  # argparse of Python 3.14 would heed it
    assert main([*words, "--help"]) == 0
    text = capsys.readouterr().out
    lines = text.splitlines()
    assert len(lines) < 25
    assert lines[0].startswith(f"usage: gazesim {' '.join(words)} ")
    assert all(len(line) <= 100 for line in lines if not line.startswith(("usage:", "example:")))
    assert "\x1b" not in text


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_the_example_of_a_help_is_accepted(words, capsys):
    assert main([*words, "--help"]) == 0
    example = shlex.split(capsys.readouterr().out.splitlines()[-1].removeprefix("example: gazesim "))
    assert tuple(example[: len(words)]) == words
    if words == ("pretrain",):
        assert configuration_of(example[1:])["data"]["manifest"] == "manifest.csv"
    elif words == ("reproduce",):
        assert main([*example, "--list"]) == 0
    else:
        assert arguments_of(ALL[words], example[len(words) :])


def test_options_of_gaze_files_stand_under_a_heading(capsys):
    for asked in ("--help", "--help_all"):
        assert main(["affinity", asked]) == 0
        own, _, shared = capsys.readouterr().out.partition("reading gaze files:")
        assert "--cache" in own
        assert "--cache" not in shared
        assert "--off_image" in shared


@pytest.mark.parametrize("words", RUNS, ids=" ".join)
def test_help_all_describes_every_option(words, capsys):
    assert main([*words, "--help_all"]) == 0
    text = capsys.readouterr().out
    flat = "".join(text.split())
    for one in verb_options(RUNS[words]):
        assert one.help, one.name
        assert "".join(one.help.split()) in flat, one.name
    if "reading" in signature(RUNS[words]).parameters:
        # The options of gaze files, each described in one place.
        assert all(f"--{key}" in text for key in signature(read_gaze).parameters if key != "path")
        assert "s, ms, us, ns" in " ".join(text.split())


def test_the_actions_of_a_verb_are_told(capsys):
    assert main(["predict-gaze", "--help"]) == 0
    text = capsys.readouterr().out
    assert "predict-gaze run MODEL IMAGES OUT" in text
    assert [line.split()[3] for line in text.splitlines() if line.startswith("example:")] == ["fit", "run"]
    assert main(["predict-gaze", "--help_all"]) == 0
    assert "--learning_rate" in capsys.readouterr().out
    assert main(["predict-gaze", "fitt"]) == 1
    assert "'fitt' is no action; expected fit or run (did you mean \"fit\"?)" in capsys.readouterr().err


def verb(
    files: list[str],
    *,
    size: tuple[int, int] | None = None,
    low: float = 0.0,
    merge: bool = False,
    kinds: list[str] | None = None,
) -> None:
    """Do.

    Args:
        files: Files.
        size: Size.
        low: Low.
        merge: Merge.
        kinds: Kinds.
    """


@pytest.mark.parametrize(
    "words", [["--size", "64,48"], ["--size=(64,48)"], ["--size", "64x48"], ["--size", "[64, 48]"]]
)
def test_tuples_are_written_in_many_ways(words):
    assert arguments_of(verb, words)["size"] == (64, 48)
    assert arguments_of(verb, ["--size", "64 48"])["size"] == (64, 48)
    assert arguments_of(verb, ["--size", "null"])["size"] is None


@pytest.mark.parametrize("given", ["64", "64,48,2", "wide,high", ""])
def test_a_tuple_that_is_none_is_told_in_one_line(given, monkeypatch, capsys):
    assert main(["affinity", "gaze.csv", f"--screen_size={given}"]) == 1
    said = capsys.readouterr().err
    expected = f"--screen_size is '{given}'; expected 2 numbers with commas between them"
    assert said == f"gazesim affinity: {expected}\n"


def test_a_list_is_collected_wherever_it_stands():
    given = arguments_of(verb, ["--low", "-1", "a.ckpt", "--merge", "b=c.ckpt", "--kinds", "x, y", "d"])
    assert given["files"] == ["a.ckpt", "b=c.ckpt", "d"]
    assert (given["low"], given["merge"], given["kinds"]) == (-1.0, True, ["x", "y"])


@pytest.mark.parametrize(
    ("word", "value"), [("--merge", True), ("--merge=true", True), ("--merge=false", False)]
)
def test_a_switch_needs_no_value(word, value):
    assert arguments_of(verb, ["a", word, "b"])["merge"] is value
    assert arguments_of(verb, ["a", word, "b"])["files"] == ["a", "b"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--lo", "2"], "Option '--lo' is not accepted (did you mean \"--low\"?)"),
        (["--merge=maybe"], "argument --merge: ignored explicit argument 'maybe'"),
        (["--low"], "argument --low: expected one argument"),
        (["--low", "high"], "--low is 'high'; expected a number"),
        (["--low=1e999", "--size=1.5,2"], "--size is '1.5,2'; expected 2 numbers with commas between them"),
    ],
)
def test_refusals_name_the_option(words, message):
    with pytest.raises(Exception, match=re.escape(message)) as caught:
        arguments_of(verb, words)
    assert type(caught.value).__name__ == "UsageError"


@pytest.mark.parametrize("how", ["--debug", "GAZESIM_DEBUG"])
def test_a_traceback_is_shown_when_asked_for(how, monkeypatch, capsys):
    words = ["affinity", "nowhere.csv"]
    assert main(words) == 1
    assert "Traceback" not in capsys.readouterr().err
    if how == "--debug":
        words.append(how)
    else:
        monkeypatch.setenv(how, "1")
    assert main(words) == 1
    said = capsys.readouterr().err
    assert "Traceback (most recent call last)" in said
    assert said.splitlines()[-1].startswith("gazesim affinity: ")


def test_an_unforeseen_error_has_one_line_with_its_type(monkeypatch, capsys):
    def broken(*_, **__):
        raise RuntimeError("this\nbroke")

    monkeypatch.setattr("gazesim.commands.demo.phantom", broken)
    assert main(["demo"]) == 1
    assert capsys.readouterr().err == "gazesim demo: RuntimeError: this broke (--debug shows where)\n"


def test_what_to_type_next_can_be_left_out(capsys):
    say_next("inspect", "my cache")
    assert capsys.readouterr().err.endswith(" inspect 'my cache'\n")
    assert main(["demo", "--quiet", "--help"]) == 0
    say_next("inspect", "my cache")
    assert capsys.readouterr().err == ""
    assert main(["demo", "--help"]) == 0


def test_completion(capsys):
    pytest.importorskip("shtab")
    assert main(["--print_completion", "bash"]) == 0
    script = capsys.readouterr().out
    assert "--screen_size" in script
    assert "predict-gaze" in script
    assert main(["--print_completion", "fish"]) == 1
    assert "expected bash, zsh or tcsh" in capsys.readouterr().err


def test_program_is_what_can_be_typed(monkeypatch, tmp_path):
    folder = tmp_path / "with" / "bin"
    folder.mkdir(parents=True)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.setattr("shutil.which", lambda name: str(folder / name))
    assert program() == "gazesim"
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert program() == f"{folder / 'python'} -m gazesim"
    monkeypatch.chdir(tmp_path)
    assert program() == f"{Path('with/bin/python')} -m gazesim"


def test_installed_script():
    result = subprocess.run([sys.executable, "-m", "gazesim", "--help"], capture_output=True, text=True)
    assert result.returncode == 0
    assert "usage: gazesim" in result.stdout


def test_warnings_of_other_libraries_are_lines_without_source(tmp_path, capsys):
    import warnings

    from gazesim.cli import plain_warnings

    library = tmp_path / "site-packages" / "somelib" / "deep.py"
    with plain_warnings("gazesim look"):
        warnings.simplefilter("always")
        warnings.warn_explicit("two\n  lines", UserWarning, str(library), 3)
        warnings.warn_explicit("own", UserWarning, gazesim.__file__, 3)
        warnings.warn_explicit("script", FutureWarning, str(tmp_path / "script.py"), 3)
    assert capsys.readouterr().err.splitlines() == [
        "gazesim look: warning of somelib: two lines",
        "gazesim look: warning: own",
        "gazesim look: warning of script: script",
    ]


@pytest.mark.parametrize("text", ["-1,-1", "-12,8", "-.5,2", "-1e-3", "-1,-1 9999"])
@pytest.mark.parametrize("words", RUNS, ids=" ".join)
def test_values_that_begin_with_a_negative_number_need_no_equals_sign(words, text):
    """Two words give what one with an equals sign gives, or the same refusal."""
    options = [one for one in verb_options(RUNS[words]) if not one.is_required and not one.is_switch]
    required = [one.name.upper() for one in verb_options(RUNS[words]) if one.is_required and not one.is_list]
    for one in options:
        said = []
        for spelled in ([f"--{one.name}", text], [f"--{one.name}={text}"]):
            try:
                said.append(arguments_of(RUNS[words], [*required, *spelled]))
            except Exception as error:
                said.append(f"{type(error).__name__}: {error}")
        assert said[0] == said[1], one.name


def test_pretrain_takes_values_that_begin_with_a_negative_number():
    given = configuration_of(["--data.gaze.offset", "-12,8", "--data.gaze.missing", "-1,-1"])
    assert given == {"data": {"gaze": {"offset": "-12,8", "missing": "-1,-1"}}}
