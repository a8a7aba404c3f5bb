"""``gazesim reproduce NAME``: a table or figure of a paper, ours beside the published one.

Names, options and files are checked before torch is imported.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .._errors import did_you_mean, one_of
from . import is_quiet, program, say_next, set_quiet
from .configuration import all_options
from .help import HELP, HELP_ALL, help_text
from .options import Option, Parser, UsageError, add_options

EXAMPLE = "reproduce mcgip-table-1 --data.folder INbreast --out runs/papers"
DESCRIPTION = """Run the experiments of a table or figure of McGIP, GzPT or GCA, one cell per row and fold,
and print it with the published numbers beside ours. Called again, it goes on.

Every option of gazesim pretrain counts too, over the paper's values: --data.num_workers 8,
--trainer.max_epochs 50, --data.gaze.screen_size 1920,1080. The table says which of them are not as published.

Pre-training is done once per fold on the images of the others, so that no image that is tested on was seen.
Pre-trainings lie in OUT/pretrained, and experiments with the same --out share them; scores in OUT/NAME."""
#: Options of pretrain that the short help shows.
COMMON = ("data.folder", "data.preset", "data.images", "data.num_workers")
SCALES = ("full", "smoke")


def options() -> list[Option]:
    """Return every option of the verb, those of pretrain last."""
    own = [
        Option("list", bool, False, "List the experiments, and end."),
        Option("only", str | None, None, "Rows whose name has this in it; * stands for anything."),
        Option("dry_run", bool, False, "Say what would run and how long it takes here, and end."),
        Option("scale", str, "full", "full, or smoke: minutes, to see it work."),
        Option(
            "weights",
            str,
            "imagenet",
            "imagenet (downloaded once), none, or FILES with commas, such as resnet18-f37072fd.pth.",
        ),
        Option("searched", str | None, None, "YAML with the searched augmentations of GCA's Table 1."),
        Option("out", str, "runs/papers", "The folder of all experiments."),
    ]
    return [*own, *(one for one in all_options() if one.name not in ("out", "resume"))]


def main(words: Sequence[str]) -> int:
    """Run the verb with its words and return the exit status."""
    if asked := next((word for word in words if word in (*HELP, HELP_ALL)), None):
        print(_help(asked))
        return 0
    from ..train.reproduce.experiments import GROUPS, names

    name, rest = _name_in(list(words), names())
    own, given = _taken(rest)
    if own["list"]:
        print(_listing())
        say_next("reproduce", *EXAMPLE.split()[1:2], "--dry_run")
        return 0
    if name is None:
        raise UsageError(f"NAME is missing; expected {one_of(names())} (gazesim reproduce --list)")
    wanted = _asked(own, given)
    status, was_quiet = 0, is_quiet()
    for one in GROUPS.get(name, (name,)):
        status = max(status, _reproduce(one, wanted, is_dry=own["dry_run"]))
    set_quiet(was_quiet)
    if own["dry_run"]:
        say_next("reproduce", *(word for word in words if word.partition("=")[0] != "--dry_run"))
    else:
        say_next("reproduce", "--list")
    return status


def _help(asked: str) -> str:
    known = options()
    own = [one for one in known if "." not in one.name or one.name in COMMON]
    own = [one for one in own if one.name not in ("model", "data", "trainer", "seed_everything")]
    shown = known if asked == HELP_ALL else own
    common = [one.name for one in own]
    return help_text(
        "gazesim reproduce NAME", DESCRIPTION, shown, common=common, example=EXAMPLE, asked=asked
    )


def _name_in(words: list[str], known: Sequence[str]) -> tuple[str | None, list[str]]:
    """Return the experiment's name (the first word, or one that is a name) and the other words."""
    if words and not words[0].startswith("-"):
        if words[0] not in known:
            hint = did_you_mean(words[0], known)
            raise UsageError(f"{words[0]!r} is no experiment{hint}; expected {one_of(known)}")
        return words[0], words[1:]
    found = next((word for word in words if word in known), None)
    if found is not None:
        words.remove(found)
    return found, words


def _taken(words: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the values of the verb's own options, and those of pretrain as a configuration."""
    from .pretrain import configuration_of

    own = options()[:7]
    parser = Parser(prog="gazesim reproduce")
    add_options(parser, own)
    namespace, rest = parser.parse_known_args(words)
    values = {one.name: one.default for one in own} | vars(namespace)
    if values["scale"] not in SCALES:
        raise UsageError(f"scale is {values['scale']!r}; expected {one_of(SCALES)}")
    for name in ("--config", "-c", "--out", "--resume"):
        if any(word.partition("=")[0] == name for word in rest):
            raise UsageError(f"Option {name!r} is not accepted: experiments have configurations of their own")
    return values, configuration_of(rest) if rest else {}


def _asked(own: Mapping[str, Any], given: dict[str, Any]) -> Any:
    from .reproduce_plan import Asked

    data = given.get("data", {})
    for name in ("folder", "images", "manifest"):
        if data.get(name) is not None:  # absolute, so that runs can be resumed from any folder
            data[name] = str(Path(data[name]).resolve())
            if not Path(data[name]).exists():
                raise FileNotFoundError(f"data.{name} is {data[name]!r}, which does not exist")
    for name in ("folds", "fold", "phantom"):
        if data.get(name) is not None:
            raise UsageError(f"data.{name} is given, and experiments have folds of their own; expected none")
    searched = own["searched"]
    if searched is not None and not Path(searched).is_file():
        raise FileNotFoundError(f"searched is {searched!r}, which does not exist; expected a YAML file")
    return Asked(Path(own["out"]), own["scale"], _weights(own["weights"]), searched, own["only"], given)


def _weights(given: str) -> str | dict[str, str]:
    """Return "imagenet", "none", or files by the backbone that their names begin with."""
    from .pretrain_checks import BACKBONES

    if given in ("imagenet", "none"):
        return given
    found: dict[str, str] = {}
    for file in (word.strip() for word in given.split(",") if word.strip()):
        if not Path(file).is_file():
            raise FileNotFoundError(f"weights: {file} does not exist; expected imagenet, none, or files")
        stem = Path(file).stem
        names = [name for name in BACKBONES if stem == name or stem.startswith((f"{name}-", f"{name}_"))]
        if not names:
            raise UsageError(
                f"weights: {file} begins with the name of no backbone; expected such as resnet18-f37072fd.pth"
            )
        found[max(names, key=len)] = str(Path(file).resolve())
    return found


def _reproduce(name: str, asked: Any, *, is_dry: bool) -> int:
    """Run or describe one experiment, and return the exit status."""
    from ..train.reproduce.experiments import experiment
    from ..train.reproduce.layout import table_of
    from ..train.reproduce.smoke import smoke_experiment
    from .reproduce_plan import not_as_published, plan

    data = asked.given.get("data", {})
    preset = data.get("preset")
    chosen = experiment(name, None if preset is None else preset.removesuffix("-patches"))
    if asked.is_smoke:
        chosen = smoke_experiment(chosen)
    if not is_dry and data.get("folder") is None and data.get("manifest") is None:
        raise UsageError(
            f"data.folder is missing; expected the folder of {chosen.preset}, or --data.manifest with a "
            "table of your own"
        )
    cells = plan(chosen, asked)
    notes = not_as_published(chosen, asked, cells)
    print(_head(chosen))
    if is_dry:
        from .reproduce_estimate import estimate

        print(estimate(chosen, asked, cells))
        print(_notes(notes))
        return 0
    from ..train import require_extra
    from .reproduce_run import run_cells, write_results

    require_extra()
    set_quiet(True)  # this verb prints the next step, not every pre-training
    scores = run_cells(chosen, cells)
    written = write_results(chosen, cells, scores, notes, asked.out)
    print(table_of(chosen, scores))
    print(_notes(notes))
    print(f"wrote {', '.join(written)} to {asked.out / chosen.name}", file=sys.stderr)
    return 0


def _head(chosen: Any) -> str:
    from ..train.reproduce.published import paper_title

    return (
        f"{chosen.name}: {chosen.title}\n"
        f"{paper_title(chosen.paper)}; {chosen.place}\n"
        f"rows and columns: {' '.join(chosen.layout.split())}\n"
    )


def _notes(notes: Sequence[str]) -> str:
    return "\n".join(["not as published:", *(f"  - {note}" for note in notes)])


def _listing() -> str:
    from ..train.reproduce.experiments import EXPERIMENTS, GROUPS, experiment

    width = max(map(len, [*EXPERIMENTS, *GROUPS]))
    lines = []
    for name in EXPERIMENTS:
        one = experiment(name)
        size = f"{len(one.lines)} rows, {one.cells} measurements"
        lines.append(f"  {name:<{width}}  {one.preset:<8}  {one.title} ({size})")
    lines += [f"  {name:<{width}}  {'':<8}  {' and '.join(parts)}" for name, parts in GROUPS.items()]
    return "\n".join(["experiments:", *lines, "", f"example: {program()} {EXAMPLE}"])
