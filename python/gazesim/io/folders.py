"""The files of a folder that may hold gaze, and an account of those that are not read."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from .._errors import describe
from .tables import fault

__all__ = ["BINARY_RECORDINGS", "Unread", "gaze_files", "recording_of"]

#: Endings of the binary files of trackers, which their manufacturers' software converts.
BINARY_RECORDINGS = frozenset({".edf", ".idf", ".gazedata"})
#: Endings of gaze files; a folder may hold 100,000 images beside them.
ENDINGS = BINARY_RECORDINGS | {
    "", ".csv", ".tsv", ".txt", ".json", ".mat", ".asc", ".log", ".dat", ".gz", ".zip", ".parquet",
    ".feather", ".arrow",
}  # fmt: skip
#: Files that describe a folder, and compressed images: they hold no gaze.
DOCUMENTS = re.compile(
    r"(read_?me|licen[cs]e|copying|changes|changelog|citation|authors|notice|sources?|makefile"
    r"|dataset_description|participants|sha256sums|md5sums|records)([._-].*)?|.*\.(nii|tar)\.gz",
    re.IGNORECASE,
)
#: Number of files that a message names.
NAMED = 4


def gaze_files(place: Path) -> list[Path]:
    """Return a file, or the files of a folder that may hold gaze, in the order of their names.

    Links to folders are followed; every folder is searched once, so links in a circle do no harm.
    """
    if not place.exists():
        raise FileNotFoundError(
            f"path is {describe(str(place))}, which does not exist; expected a file or folder"
        )
    if not place.is_dir():
        return [place]
    found: list[Path] = []
    waiting, searched = [place], set(map(str, Path(os.path.realpath(place)).parents))
    while waiting:
        for folder, below, names in os.walk(waiting.pop(0), onerror=_refuse):
            here, real = Path(folder), os.path.realpath(folder)
            below[:] = sorted(name for name in below if not name.startswith("."))
            if real in searched:
                below.clear()
                continue
            searched.add(real)
            # Folders come before links to them, so that a file has the name that its own folder gives it.
            waiting += [here / name for name in below if (here / name).is_symlink()]
            found += [
                here / name
                for name in names
                if not name.startswith(".") and Path(name).suffix.lower() in ENDINGS
            ]
    found = sorted(file for file in found if file.is_file() or file.is_symlink())
    if not found:
        endings = ", ".join(sorted(ENDINGS - {""} - BINARY_RECORDINGS))
        raise fault(place, None, f"holds no file that may hold gaze; expected files that end in {endings}")
    return found


def _refuse(error: OSError) -> None:
    raise error


@dataclass
class Unread:
    """The files of a folder that are not read."""

    #: Files that may hold gaze, and why each is not read.
    named: dict[Path, str] = field(default_factory=dict)
    #: Files that hold no gaze: documents, and what a format has beside its gaze.
    others: list[Path] = field(default_factory=list)
    #: Files that repeat the gaze of another file.
    repeats: list[Path] = field(default_factory=list)

    def add(self, reasons: Mapping[Path, str], files: Sequence[Path], beside: Iterable[str] = ()) -> None:
        """Add files with the reasons why they are not read; ``files`` are all files of the folder.

        ``beside`` are patterns of names of files that hold no gaze.
        """
        endings: dict[tuple[Path, str], set[str]] = {}
        for file in files:
            endings.setdefault(_stem(file), set()).add(file.suffix.lower())
        for file, why in reasons.items():
            # The settings or the binary recording of a file with the same name.
            ending = file.suffix.lower()
            described = endings[_stem(file)] - BINARY_RECORDINGS - {".json"}
            is_sidecar = ending in BINARY_RECORDINGS | {".json"} and len(described) > 0
            if is_sidecar or DOCUMENTS.fullmatch(file.name) or any(fnmatch(file.name, one) for one in beside):
                self.others.append(file)
            else:
                self.named[file] = why

    def notes(self, place: Path) -> list[str]:
        """Return a part of the line that says what was read; none if all files were read."""
        words = []
        if self.named:
            words.append(f"{_count(self.named)} not read ({_names(self.named, place)})")
        if self.repeats:
            words.append(f"{_count(self.repeats)} of the same recordings ({_names(self.repeats, place)})")
        if self.others:
            words.append(f"{_count(self.others)} without gaze ({_names(self.others, place)})")
        return [f"left aside {', '.join(words)}"] if words else []

    def warnings(self, place: Path) -> list[str]:
        """Return a warning that says why files were not read; none if all were."""
        if not self.named:
            return []
        first = list(self.named.items())[:NAMED]
        some = ", ".join(f"{_relative(file, place)} {why}" for file, why in first)
        more = f", and {len(self.named) - NAMED:,} more" if len(self.named) > NAMED else ""
        were = "was" if len(self.named) == 1 else "were"
        return [f"{_count(self.named)} {were} not read: {some}{more}"]


def recording_of(file: Path) -> tuple[Path, str]:
    """Return what files of one recording share: their folder, and the name without its kind of data.

    Examples
    --------
    >>> from pathlib import Path
    >>> from gazesim.io.folders import recording_of
    >>> recording_of(Path("User 0_all_gaze.csv")) == recording_of(Path("User 0_fixations.csv.gz"))
    True
    """
    kind = r"(^|[ _.-]+)(fixations?|all[ _]?gaze|eye[ _]?gaze)(?=$|[ _.-])"
    return file.parent, re.sub(kind, "", _stem(file)[1].lower())


def _stem(file: Path) -> tuple[Path, str]:
    name = re.sub(r"\.(gz|zip)$", "", file.name, flags=re.IGNORECASE)
    return file.parent, Path(name).stem


def _relative(file: Path, place: Path) -> str:
    return file.relative_to(place).as_posix()


def _names(files: Iterable[Path], place: Path) -> str:
    known = list(files)
    return ", ".join([_relative(file, place) for file in known[:NAMED]] + ["..."] * (len(known) > NAMED))


def _count(files: Sequence[Path] | dict[Path, str]) -> str:
    return f"{len(files):,} file{'s' if len(files) > 1 else ''}"
