"""The command line: ``gazesim VERB ...``. Each verb is a function in ``gazesim.commands``.

A new verb is one line in :data:`VERBS` and a module with a function ``run``, whose signature and
docstring become options and help. The module may also have

- ``run`` as a dictionary of actions, each a function: ``gazesim VERB ACTION ...``;
- ``COMMON``, the names of the options that the short ``--help`` describes (``--help_all`` describes all);
- ``EXAMPLE``, the words after ``gazesim`` with which the help ends.

A module with a function ``main(words)`` has a parser of its own and returns the exit status; its
``parser()`` is what shell completion reads.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from inspect import getdoc
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

from ._errors import did_you_mean
from ._progress import ProgressBar
from .commands import set_quiet
from .commands.help import HELP, HELP_ALL, SHARED, actions_text, help_text
from .commands.options import Option, Parser, UsageError, add_options, build, options_of

#: verb: (module in gazesim.commands, one line for the overview)
VERBS = {
    "demo": ("demo", "all four schemes on a synthetic data set, in seconds"),
    "example": ("example", "folder in, synthetic images, tracker exports and labels to learn with out"),
    "look": ("look", "gaze file in, what it holds and how it would be read out"),
    "fixations": ("fixations", "raw exports of trackers in, table of fixations per image out"),
    "manifest": ("manifest", "images, gaze and labels in, one table for training out"),
    "affinity": ("affinity", "gaze file or folder in, affinity matrix and picture out"),
    "inspect": ("inspect", "what a cache holds, and which threshold suits it"),
    "advise": ("advise", "cache in, five lines out: what its gaze is good for, and what will not help"),
    "compare": ("compare", "predicted and human scanpaths in, table of scores with ceiling and floor out"),
    "predict-gaze": (
        "predict_gaze",
        "fit: images and gaze maps in, predictor out; run: images in, gaze maps out",
    ),
    "pretrain": ("pretrain", "images and gaze in, contrastively pre-trained backbone out"),
    "evaluate": ("evaluate", "checkpoints and labelled images in, tables of scores and affinity maps out"),
    "reproduce": ("reproduce", "table or figure of a paper by name in, ours beside the published one out"),
    "export-backbone": (
        "export_backbone",
        "checkpoint in, file for torchvision, timm, lightly or ONNX out",
    ),
}

Run = Callable[..., None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    is_debugged = "--debug" in words or os.environ.get("GAZESIM_DEBUG", "0") not in ("", "0")
    is_quiet = "--quiet" in words
    words = [word for word in words if word not in ("--debug", "--quiet")]
    if not words or words[0] in HELP:
        print(overview())
        return 0 if words else 2
    verb, rest = words[0], words[1:]
    name = f"gazesim {verb}" if verb in VERBS else "gazesim"
    set_quiet(is_quiet)
    try:
        with plain_warnings(name):
            status = _run(verb, rest)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _is_stdout_closed():
            return 128 + 13  # as a program that SIGPIPE ends
        if is_debugged:
            traceback.print_exc()
        print(f"{name}: {one_sentence(error)}", file=sys.stderr)
        return 1


def _is_stdout_closed() -> bool:
    """Return whether the reader of stdout has gone, as head does; nothing more is then written to it."""
    try:
        print(flush=True)  # what could not be written is forgotten, so that flush alone succeeds
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True
    return False


def _run(verb: str, words: list[str]) -> int:
    if verb == "--version":
        print(version())
        return 0
    if verb == "--print_completion":
        print(completion(words))
        return 0
    if verb not in VERBS:
        print(f"gazesim: {verb!r} is not a verb{did_you_mean(verb, VERBS)}\n\n{overview()}", file=sys.stderr)
        return 2
    module = importlib.import_module(f"gazesim.commands.{VERBS[verb][0]}")
    if hasattr(module, "main"):
        return int(module.main(words))
    prog, run = f"gazesim {verb}", module.run
    if isinstance(run, Mapping):
        action = words.pop(0) if words else ""
        if action in HELP:
            print(
                actions_text(prog, {one: help_of(module, f"{prog} {one}", run[one], action) for one in run})
            )
            return 0
        if action == HELP_ALL:
            print("\n\n".join(help_of(module, f"{prog} {one}", run[one], action) for one in run))
            return 0
        if action not in run:
            listed = " or ".join(run)
            raise UsageError(f"{action!r} is no action; expected {listed}{did_you_mean(action, run)}")
        prog, run = f"{prog} {action}", run[action]
    if asked := next((word for word in words if word in (*HELP, HELP_ALL)), None):
        print(help_of(module, prog, run, asked))
        return 0
    run(**arguments_of(run, words, prog))
    return 0


def verb_options(run: Run) -> list[Option]:
    """Return the options of a verb.

    ``**reading`` stands for the options of ``read_gaze``, ``**file_options`` for those of them that
    ``read_scanpaths`` also has.
    """
    from .commands.reading import FILE_OPTIONS, read_gaze

    reading = [option for option in options_of(read_gaze) if not option.is_required]
    file_options = [option for option in reading if option.name in FILE_OPTIONS]
    return options_of(run, keywords={"reading": reading, "file_options": file_options})


def arguments_of(run: Run, words: Sequence[str], prog: str = "gazesim") -> dict[str, Any]:
    """Return the keyword arguments of a verb's function, parsed from the command line."""
    options = verb_options(run)
    parser = Parser(prog=prog)
    add_options(parser, options)
    namespace, rest = parser.parse_known_args(list(words))
    given: dict[str, Any] = vars(namespace)
    if listed := [one.name for one in options if one.is_list]:
        given[listed[0]] = [word for word in rest if not word.startswith("-")]
        rest = [word for word in rest if word.startswith("-")]
    if rest:
        raise UsageError(refusal(rest[0], options))
    hints = get_type_hints(run)
    for name in {name.partition(".")[0] for name in given if "." in name}:
        fields = {key: given.pop(key) for key in list(given) if key.startswith(f"{name}.")}
        given[name] = build(hints[name], f"{name}.", fields)
    return given


def refusal(word: str, options: Sequence[Option]) -> str:
    """Return why a word that belongs to no option is refused."""
    if not word.startswith("-"):
        return f"{word!r} belongs to no option; expected one value after each"
    name = word.partition("=")[0]
    known = [f"--{one.name}" for one in options if not one.is_required] + list(SHARED)
    return f"Option {name!r} is not accepted{did_you_mean(name, known)}; --help lists those that are"


def help_of(module: ModuleType, prog: str, run: Run, asked: str) -> str:
    """Return the short or the full help of a verb, with the example of its module."""
    example = getattr(module, "EXAMPLE", None)
    if isinstance(example, Mapping):
        example = example.get(prog.split()[-1])
    text = (getdoc(run) or "").partition("Args:")[0]
    common = getattr(module, "COMMON", None)
    return help_text(prog, text, verb_options(run), common=common, example=example, asked=asked)


def one_sentence(error: Exception) -> str:
    """Return an error as one line; an unforeseen one with its type."""
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    line = " ".join(text.split())
    if isinstance(error, (UsageError, ValueError, TypeError, KeyError, OSError, ImportError)):
        return line
    return f"{type(error).__name__}: {line} (--debug shows where)"


@contextmanager
def plain_warnings(name: str) -> Iterator[None]:
    """Print each warning as one line above the progress bar, without its source line.

    Those of other libraries name the library.
    """
    with warnings.catch_warnings():

        def show(message: Any, category: Any, filename: str, lineno: int, *rest: Any) -> None:
            is_own = "gazesim" in filename or category.__module__.startswith("gazesim")
            whose = "" if is_own else f" of {_library(filename)}"
            ProgressBar.write(f"{name}: warning{whose}: {' '.join(str(message).split())}", file=sys.stderr)

        warnings.showwarning = show  # type: ignore[assignment]
        yield


def _library(filename: str) -> str:
    """Return the name of the installed library that a source file belongs to, else the file's name."""
    parts = Path(filename).parts
    at = next((i for i, part in enumerate(parts[:-1]) if part in ("site-packages", "dist-packages")), None)
    return (Path(filename) if at is None else Path(parts[at + 1])).name.removesuffix(".py")


def overview() -> str:
    """Return the list of verbs."""
    width = max(map(len, VERBS))
    lines = [f"  {verb:<{width}}  {line}" for verb, (_, line) in VERBS.items()]
    usage = "usage: gazesim VERB ...   (gazesim VERB --help says more)"
    more = ["  --version", "  --print_completion bash|zsh|tcsh   (needs shtab)"]
    shared = [f"  {name:<9} {SHARED[name]}" for name in ("--debug", "--quiet")]
    return "\n".join([usage, "", *lines, "", *more, *shared])


def version() -> str:
    """Return the version, and the SIMD level where the compiled module tells it."""
    from . import _core

    level = getattr(_core, "simd_level", None)
    return f"gazesim {_core.__version__}" + (f" ({level()})" if level is not None else "")


def completion(words: Sequence[str]) -> str:
    """Return the completion script for a shell."""
    shells = ("bash", "zsh", "tcsh")
    if len(words) != 1 or words[0] not in shells:
        raise UsageError(f"--print_completion is {' '.join(words)!r}; expected bash, zsh or tcsh")
    try:
        import shtab
    except ImportError as error:
        raise ImportError(f"--print_completion needs shtab ({error}); expected: pip install shtab") from error
    top = argparse.ArgumentParser("gazesim")
    verbs = top.add_subparsers()
    for verb, (name, line) in VERBS.items():
        parser = verbs.add_parser(verb, help=line)
        module = importlib.import_module(f"gazesim.commands.{name}")
        if hasattr(module, "main"):
            add_options(parser, module.options() if hasattr(module, "options") else [])
        elif isinstance(module.run, Mapping):
            actions = parser.add_subparsers()
            for action, run in module.run.items():
                add_options(actions.add_parser(action), verb_options(run))
        else:
            add_options(parser, verb_options(module.run))
    return str(shtab.complete(top, shell=words[0]))
