"""The formats of ``read_scanpaths``, how they are recognised, and which files of a folder are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from .._errors import choice, describe, one_of
from . import (
    coco,
    cub_gha,
    dataviewer,
    egd,
    eyelink,
    frames,
    gazepoint,
    generic,
    mcgip,
    miceye,
    multimatch,
    osie,
    pupil,
    pymovements,
    reflacx,
    remodnav,
    siim,
    smi,
    smi_statistics,
    tidy,
    tobii,
    tobii_4c,
    tobii_studio,
)
from .folders import Unread, gaze_files
from .recording import Options, Recording
from .samples import look_like
from .sources import DamagedArchive
from .tables import Source, fault

__all__ = [
    "FORMATS",
    "Chosen",
    "Format",
    "checked_format",
    "opened",
    "recognised",
    "refuse_binary",
    "sources_of",
]


def all_files(paths: Sequence[Path]) -> list[Path]:
    """Return all files."""
    return list(paths)


@dataclass(frozen=True)
class Format:
    """One file format."""

    #: The name in messages.
    title: str
    #: Whether a file is of this format; looks at the start of the file only.
    detect: Callable[[Source], bool]
    read: Callable[[Source, Options], Recording]
    #: Chooses the files to read in a folder in which some repeat others.
    choose: Callable[[Sequence[Path]], list[Path]] = all_files
    #: Arguments of ``read_scanpaths`` that this format accepts and some other formats refuse.
    takes: tuple[str, ...] = ()
    #: Patterns of the names of files that the maker puts beside the gaze.
    beside: tuple[str, ...] = ()


#: Tried in this order: a format that is a special case of another comes before it.
FORMATS: dict[str, Format] = {
    "tidy": Format("tidy table", tidy.detect, tidy.read, takes=("by",)),
    "egd": Format("EGD-CXR gaze", egd.detect, egd.read, gazepoint.choose, ("metadata",), egd.BESIDE),
    "gazepoint": Format("Gazepoint export", gazepoint.detect, gazepoint.read, gazepoint.choose, ("by",)),
    "reflacx": Format(
        "REFLACX fixations", reflacx.detect, reflacx.read, takes=("metadata",), beside=reflacx.BESIDE
    ),
    "coco": Format("GazeSearch / COCO-Search18 JSON", coco.detect, coco.read),
    "siim": Format("SIIM CXR-P gaze JSON", siim.detect, siim.read),
    "mcgip": Format("McGIP gaze JSON", mcgip.detect, mcgip.read),
    "miceye": Format("MicEye log", miceye.detect, miceye.read),
    "tobii": Format("Tobii data export", tobii.detect, tobii.read, takes=("by",)),
    "tobii_studio": Format("Tobii Studio fixations", tobii_studio.detect, tobii_studio.read),
    "tobii_4c": Format("Tobii 4C events", tobii_4c.detect, tobii_4c.read),
    "eyelink": Format("EyeLink asc", eyelink.detect, eyelink.read, takes=("eye", "by")),
    "smi": Format("SMI BeGaze events", smi.detect, smi.read, takes=("eye", "by")),
    "dataviewer": Format(
        "Data Viewer fixation report", dataviewer.detect, dataviewer.read, takes=("eye", "by")
    ),
    "smi_statistics": Format(
        "SMI BeGaze event statistics", smi_statistics.detect, smi_statistics.read, takes=("eye", "by")
    ),
    "pupil": Format("Pupil Labs fixations", pupil.detect, pupil.read, beside=pupil.BESIDE),
    "remodnav": Format("REMoDNaV events", remodnav.detect, remodnav.read),
    "multimatch": Format("multimatch fixation vectors", multimatch.detect, multimatch.read),
    "pymovements": Format("pymovements events", pymovements.detect, pymovements.read, takes=("eye", "by")),
    "osie": Format("OSIE fixations.mat", osie.detect, osie.read),
    "cub_gha": Format("CUB-GHA fixations", cub_gha.detect, cub_gha.read),
    "frame": Format("Parquet or Feather frame", frames.detect, frames.read, takes=("eye", "by", "columns")),
    "generic": Format(
        "table with named columns", generic.detect, generic.read, takes=("eye", "by", "columns")
    ),
}

#: Binary files of trackers, and the manufacturer's command that converts them.
CONVERTERS = {
    ".edf": "is a binary EyeLink EDF file; expected the text that SR Research's converter makes: "
    "edf2asc {file}  (writes {stem}.asc)",
    ".idf": "is a binary SMI file; expected the text that SMI's IDF Converter or BeGaze exports",
    ".gazedata": "is a binary recording; expected the export of its software as a table",
}

#: Files of a folder that are looked at, to say why none of them is a gaze file.
LOOKED_AT = 20


def checked_format(name: object) -> str:
    """Return ``name`` if it is the name of a format; the message lists all formats."""
    return choice("format", name, FORMATS)


class Chosen(NamedTuple):
    """The files that are read, in one format."""

    format: str
    title: str
    sources: list[Source]
    unread: Unread


def sources_of(place: Path, format: str | None, options: Options) -> Chosen:
    """Return the file, or the files of a folder in one format, after checking the options against it."""
    if options.metadata is not None and not options.metadata.is_file():
        raise FileNotFoundError(
            f"metadata is {describe(str(options.metadata))}, which is no file; expected a table"
        )
    wanted = None if format is None else checked_format(format)
    unread = Unread()
    files = gaze_files(place)
    if place.is_dir():
        name, paths = _of_folder(place, files, wanted, options, unread)
        sources = [Source(path) for path in paths]
    else:
        sources = [Source(place)]
        if wanted is None and options.columns is not None:
            wanted = "frame" if FORMATS["frame"].detect(sources[0]) else "generic"
        name = wanted or format_of(sources[0])
    for argument in ("eye", "metadata", "by", "columns"):
        if getattr(options, argument) is not None and argument not in FORMATS[name].takes:
            takers = [known for known, one in FORMATS.items() if argument in one.takes]
            more = f" (also {', '.join(takers[2:])})" if len(takers) > 2 else ""
            expected = f"expected it with {one_of(takers[:2])} files{more}"
            raise ValueError(f"{argument}= is given, and {place} is {name}; {expected}")
    asked = format is not None or options.columns is not None
    return Chosen(name, f"{FORMATS[name].title} ({'as asked' if asked else 'detected'})", sources, unread)


def _of_folder(
    place: Path, files: Sequence[Path], format: str | None, options: Options, unread: Unread
) -> tuple[str, list[Path]]:
    """Return the format of a folder and its files in this format; put the others into ``unread``."""
    found: dict[str, list[Path]] = {}
    reasons: dict[Path, str] = {}
    columns = options.columns if format in (None, "generic", "frame") else None
    for file in files:
        name, reasons[file] = recognised(file, columns)
        if name is not None:
            found.setdefault(name, []).append(file)
    if not found and format is None and columns is None and (why := _why_unknown(files)):
        raise fault(place, None, f"holds {len(files)} files, none of a known format; {why}")
    if not found or (format is not None and format not in found):
        wanted = "of a known format" if format is None else f"that is {FORMATS[format].title}"
        raise fault(place, None, f"holds {len(files)} files, none {wanted}; expected gaze files")
    if len(found) > 1 and format is None:
        mixed = " and ".join(f"{paths[0].name} ({name})" for name, paths in list(found.items())[:2])
        raise fault(place, None, f"holds files of several formats: {mixed}; expected one (format= chooses)")
    name = format or next(iter(found))
    chosen = FORMATS[name].choose(found[name])
    unread.repeats += sorted(set(found[name]) - set(chosen))
    kept = set(found[name])
    others = {file: why for file, why in reasons.items() if file not in kept}
    unread.add(others, files, FORMATS[name].beside)
    return name, chosen


def _why_unknown(files: Sequence[Path]) -> str:
    """Return the error of a file of raw samples, else of one whose columns lack names, or an empty text."""
    unnamed: list[str] = []
    is_samples = False
    for file in files[:LOOKED_AT]:
        try:
            source = Source(file)
            is_samples = look_like(source)
            format_of(source)
        except ValueError as error:
            if is_samples:
                return str(error)
            if "its columns named" in str(error):
                unnamed.append(str(error))
    return unnamed[0] if unnamed else ""


def refuse_binary(source: Source) -> None:
    """Raise ValueError for a tracker's binary file; the message gives the command that converts it."""
    if converter := CONVERTERS.get(Path(source.name).suffix.lower()):
        raise fault(source.path, None, converter.format(file=source.path.name, stem=source.stem))


def format_of(source: Source) -> str:
    """Return the format of a file."""
    name = _recognised(source)
    if name is not None:
        return name
    if not source.head_bytes:
        raise fault(source.path, None, "is empty; expected gaze")
    refuse_binary(source)
    if look_like(source):
        problem = (
            "holds gaze samples without events; expected fixations (gazesim.detect_fixations finds them, and "
            "`gazesim fixations FILE` makes a table of them)"
        )
        raise fault(source.path, None, problem)
    if source.is_binary:
        problem = "holds binary data; expected text, a MATLAB 5 file, or a frame that pandas or polars read"
        raise fault(source.path, None, problem)
    for names in source.head_rows:
        if hint := generic.proposal(names):
            command = f'--columns "{hint}" --time_unit ms'
            raise fault(source.path, None, f"is of no known format; expected its columns named: {command}")
    some = f"{', '.join(FORMATS)} (format= chooses one)"
    wanted = f"{some}, or the columns of any table named: --columns x=gx,y=gy,duration=dur,image=stim"
    raise fault(source.path, None, f"is of no known format; expected {wanted}")


def recognised(file: Path, columns: Mapping[str, str] | None = None) -> tuple[str | None, str]:
    """Return the format of a file in a folder (None: no gaze file), and why it would not be read.

    With ``columns``, {role: name}, gaze files are frames and the tables that have all of them.
    """
    source, why = opened(file)
    if source is None:
        return None, why
    if columns is None or FORMATS["frame"].detect(source):
        name = _recognised(source)
    else:
        name = "generic" if source.has(*columns.values()) else None
    if name is not None:
        return name, f"is of another format ({FORMATS[name].title})"
    if columns is not None and not why:
        return None, "lacks the columns that are named"
    return None, why or ("holds samples without fixations" if look_like(source) else "is of no known format")


def opened(file: Path) -> tuple[Source | None, str]:
    """Return a file of a folder, and why it holds no gaze (empty: it may); None if it cannot be opened.

    A damaged archive raises.
    """
    try:
        source = Source(file)
        refuse_binary(source)
    except DamagedArchive:
        raise
    except FileNotFoundError:
        return None, "is a link to a file that does not exist"
    except ValueError as error:  # a recording of a tracker, or an archive of several files
        return None, str(error).removeprefix(f"{file}: ").partition(";")[0]
    return source, "" if source.head_bytes.strip() else "is empty"


def _recognised(source: Source) -> str | None:
    return next((name for name, known in FORMATS.items() if known.detect(source)), None)
