"""``gazesim look``: what a gaze file holds, and how it would be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ..io import Reading, ReadingReport, Samples, read, read_samples
from ..io.folders import Unread, gaze_files
from ..io.reading import options_from
from ..io.registry import recognised
from ..io.sample_files import sample_files
from ..io.tables import Source
from ..scanpaths import Scanpaths
from . import say_next
from .reading import given_again

#: Columns, images and panels that are shown.
SOME, PANELS = 12, 12
#: The options of this verb that ``gazesim fixations`` does not take.
NOT_OF_FIXATIONS = ("format", "metadata", "off_image", "offset")


#: What the help shows: the usual options, and a command.
COMMON = ("plot", "format", "columns", "screen_size", "time_unit", "coord_unit", "eye", "by", "missing")
EXAMPLE = "look export.tsv --screen_size 1920,1080"


def run(path: str, plot: str | None = None, **file_options: Any) -> None:
    """Explain a gaze file before it is read: format, columns, images, eyes, units, what would be left out.

    Args:
        path: A gaze file, or a folder of gaze files.
        plot: Where to draw the fixations on each image, as .png.
    """
    asked = dict(file_options)
    format = file_options.pop("format", None)
    print("\n".join(evidence(path)))
    try:
        reading = read(path, format=format, verbose=False, **file_options)
    except ValueError as error:
        samples = samples_of(path, file_options)
        if samples is None:
            raise
        print("\n".join(sample_lines(samples, str(error))))
        say_next("fixations", path, *given_again(asked, NOT_OF_FIXATIONS), "--out", "fixations.csv")
        return
    print("\n".join(report_lines(reading)))
    if plot is not None:
        draw(reading.scanpaths, plot)
        print(f"wrote {plot}")
    # Affinities need a screen; neither the file nor the command states one.
    unknown = ["--screen_size", "WIDTH,HEIGHT"] if reading.scanpaths.screen_size is None else []
    say_next("affinity", path, *given_again(asked), *unknown)


def evidence(path: str) -> list[str]:
    """Return lines on the start of the (first) file: encoding, delimiter and columns."""
    files = gaze_files(Path(path))
    shown = files[0]
    if len(files) > 1:
        shown = next((file for file in files if recognised(file)[0] is not None), files[0])
    source = Source(shown)
    several = f" ({len(files)} files, such as {shown.name})" if len(files) > 1 else ""
    lines = [f"source        {path}{several}"]
    if source.is_binary:
        return [*lines, "content       binary"]
    lines.append(f"content       {source.encoding} text")
    widest = max(source.head_rows[:200], key=len, default=[])
    first = next((text for text in source.head.split("\n") if text.strip()), "")
    lines.append(f"begins with   {first[:90]!r}")
    if len(widest) > 2 and source.head.lstrip()[:1] not in ("[", "{"):
        names = [name for name in widest if name]
        more = f", ... ({len(names)} in all)" if len(names) > SOME else ""
        lines.append(f"columns       {', '.join(names[:SOME])[:600]}{more}")
    return lines


def report_lines(reading: Reading) -> list[str]:
    """Return the facts of a reading, one per line."""
    report, paths = reading.report, reading.scanpaths
    lines = [f"format        {report.format}: {report.title}"]
    images = Counter(str(key[0] if isinstance(key, tuple) else key) for key in paths.ids)
    readers = {str(key[1]) for key in paths.ids if isinstance(key, tuple) and len(key) == 2}
    lines.append(f"scanpaths     {report.scanpaths:,} with {report.fixations:,} fixations")
    lines.append(f"images        {listed(images)}")
    if readers:
        lines.append(f"readers       {listed(sorted(readers))}")
    if report.eyes:
        lines.append(
            f"eyes          {', '.join(f'{eye} {count:,}' for eye, count in sorted(report.eyes.items()))}"
        )
    if report.rates:
        lines.append(f"rate          {', '.join(f'{rate:g}' for rate in report.rates)} Hz")
    lines += unit_lines(report, paths)
    left, others = report.left_out.total(), report.others.total()
    lines.append(f"rows          {report.rows:,}: {report.used:,} used, {left:,} left out, {others:,} others")
    lines += [f"left out      {count:,} {what}" for what, count in sorted(report.left_out.items()) if count]
    lines += [f"others        {count:,} {what}" for what, count in sorted(report.others.items()) if count]
    lines += [f"taken         {note}" for note in report.notes]
    lines += [f"warning       {warning}" for warning in report.warnings]
    return lines


def unit_lines(report: ReadingReport, paths: Scanpaths) -> list[str]:
    """Return lines on the units, and whether durations and coordinates are plausible for fixations."""
    if not len(paths.values):
        return []
    x, y, duration = paths.values.T
    size = report.screen_size
    screen = f" of {size[0]:g} x {size[1]:g}" if size else ", screen size not known"
    is_doubtful = len(report.warnings) > len(report.unread_warnings)
    doubt = "unlikely, see below" if is_doubtful else "plausible"
    return [
        f"time          {report.time_unit}; the median fixation lasts {np.median(duration):.3g} s",
        f"coordinates   {report.coord_unit}{screen}; x {x.min():.5g} to {x.max():.5g} px, "
        f"y {y.min():.5g} to {y.max():.5g} px ({report.outside:,} outside)",
        f"units         {doubt}",
    ]


def samples_of(path: str, options: dict[str, Any]) -> list[Samples] | None:
    """Return the samples of the first file that holds some, or None if none does."""
    kept = {name: value for name, value in options.items() if name not in ("off_image", "metadata")}
    place = Path(path)
    files = gaze_files(place)
    if place.is_dir():
        files = sample_files(files, options_from(**kept), Unread())
    for file in files[:SOME]:
        try:
            return read_samples(file, **kept)
        except ValueError:
            continue
    return None


def sample_lines(sessions: list[Samples], why: str) -> list[str]:
    """Return the facts on a file of samples, one per line."""
    lines = [f"fixations     none: {why}", "format        gaze samples"]
    for samples in sessions[:SOME]:
        eyes = [name for name in ("left", "right", "both") if getattr(samples, name) is not None]
        length = samples.time[-1] - samples.time[0] if len(samples.time) else 0.0
        lost = [f"{name} {1 - np.isfinite(getattr(samples, name)).all(axis=1).mean():.1%}" for name in eyes]
        lines.append(
            f"recording     {samples.reader or samples.name}: {len(samples.time):,} samples, "
            f"{samples.rate:.4g} Hz, {length:.4g} s; lost: {', '.join(lost)}"
        )
        shown = {showing.stimulus for _, showing, _ in samples.time_line().changes if showing is not None}
        lines.append(f"images        {listed(sorted(shown))}")
        lines += [f"taken         {note}" for note in samples.notes]
        if samples.vendor:
            lines.append(f"events        {len(samples.vendor):,} fixations of the tracker itself")
    return lines


def listed(names: Iterable[str]) -> str:
    """Return the number of names and some of them as text."""
    known = list(names)
    more = ", ..." if len(known) > SOME else ""
    return f"{len(known):,}: {', '.join(name[:60] for name in known[:SOME])}{more}"


def draw(paths: Scanpaths, target: str) -> None:
    """Draw the fixations on each image, those of each reader in a colour; circles grow with duration."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError("pictures need matplotlib: pip install 'gazesim[plot]'") from None
    groups: dict[str, list[Any]] = {}
    for key, path in zip(paths.ids, paths, strict=True):
        groups.setdefault(str(key[0] if isinstance(key, tuple) else key), []).append(path)
    chosen = list(groups.items())[:PANELS]
    across = min(len(chosen), 4) or 1
    figure = Figure(figsize=(4 * across, 3.2 * (-(-len(chosen) // across) or 1)), layout="constrained")
    cells = figure.subplots(-(-len(chosen) // across) or 1, across, squeeze=False).ravel()
    for cell, (name, group) in zip(cells, chosen, strict=False):
        for number, path in enumerate(group):
            colour = f"C{number % 10}"
            cell.plot(path[:, 0], path[:, 1], color=colour, linewidth=0.8, alpha=0.6)
            cell.scatter(path[:, 0], path[:, 1], s=path[:, 2] * 300 + 4, color=colour, alpha=0.5)
        if paths.screen_size is not None:
            cell.set_xlim(0, paths.screen_size[0])
            cell.set_ylim(paths.screen_size[1], 0)
        else:
            cell.invert_yaxis()
        cell.set_aspect("equal")
        cell.set_title(f"{name[:40]} ({len(group)})", fontsize=9, parse_math=False)
    for cell in cells[len(chosen) :]:
        cell.set_axis_off()
    figure.savefig(Path(target), dpi=100)
