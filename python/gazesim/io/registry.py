"""The formats of ``read_scanpaths``, how they are recognised, and which files of a folder are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .._errors import choice, describe
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
from .recording import Options, Recording
from .samples import look_like
from .tables import Source, fault

__all__ = ["FORMATS", "Format", "checked_format", "gaze_files", "recognised", "refuse_binary", "sources_of"]


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


#: Tried in this order: a format that is a special case of another comes before it.
FORMATS: dict[str, Format] = {
    "tidy": Format("tidy table", tidy.detect, tidy.read, takes=("by",)),
    "egd": Format("EGD-CXR gaze", egd.detect, egd.read, gazepoint.choose, ("metadata",)),
    "gazepoint": Format("Gazepoint export", gazepoint.detect, gazepoint.read, gazepoint.choose, ("by",)),
    "reflacx": Format("REFLACX fixations", reflacx.detect, reflacx.read, takes=("metadata",)),
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
    "pupil": Format("Pupil Labs fixations", pupil.detect, pupil.read),
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
#: Endings of gaze files; a folder may hold 100,000 images beside them.
ENDINGS = frozenset({"", ".csv", ".tsv", ".txt", ".json", ".mat", ".asc", ".log", ".dat", ".gz", ".zip"}) | {
    ".parquet", ".feather", ".arrow",
}  # fmt: skip


def checked_format(name: object) -> str:
    """Return ``name`` if it is the name of a format; the message lists all formats."""
    return choice("format", name, FORMATS)


def sources_of(place: Path, format: str | None) -> tuple[str, list[Source]]:
    """Return the name of the format, and the file or the files of a folder in this format."""
    if not place.exists():
        raise FileNotFoundError(
            f"path is {describe(str(place))}, which does not exist; expected a file or folder"
        )
    if not place.is_dir():
        source = Source(place)
        return format or format_of(source), [source]
    files = gaze_files(place)
    found: dict[str, list[Path]] = {}
    for file in files:
        name = recognised(file)
        if name is not None:
            found.setdefault(name, []).append(file)
    if not found and format is None and (why := _why_unknown(files)):
        raise fault(place, None, f"holds {len(files)} files, none of a known format; {why}")
    if not found or (format is not None and format not in found):
        wanted = "of a known format" if format is None else f"that is {FORMATS[format].title}"
        raise fault(place, None, f"holds {len(files)} files, none {wanted}; expected gaze files")
    if len(found) > 1 and format is None:
        mixed = " and ".join(f"{paths[0].name} ({name})" for name, paths in list(found.items())[:2])
        raise fault(place, None, f"holds files of several formats: {mixed}; expected one (format= chooses)")
    name = format or next(iter(found))
    return name, [Source(path) for path in FORMATS[name].choose(found[name])]


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


def gaze_files(place: Path) -> list[Path]:
    """Return a file, or the files of a folder that may hold gaze, in the order of their names."""
    if not place.exists():
        raise FileNotFoundError(
            f"path is {describe(str(place))}, which does not exist; expected a file or folder"
        )
    if not place.is_dir():
        return [place]
    return sorted(
        file for file in place.rglob("*") if file.suffix.lower() in ENDINGS and _is_visible(file, place)
    )


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


def recognised(file: Path) -> str | None:
    """Return the format of a file in a folder, or None if it is no gaze file."""
    try:
        return _recognised(Source(file))
    except ValueError:  # a damaged archive, or one of several files
        return None


def _recognised(source: Source) -> str | None:
    return next((name for name, known in FORMATS.items() if known.detect(source)), None)


def _is_visible(file: Path, place: Path) -> bool:
    return file.is_file() and not any(part.startswith(".") for part in file.relative_to(place).parts)
