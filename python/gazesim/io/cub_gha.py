"""CUB-GHA (Rong et al., BMVC 2021): gaze on CUB-200-2011, one text file per run; px of the image, ms.

Lines without a header: CUB's image id, width and height of the image, then x, y, duration of each fixation.
The reader is the run in the file's name (``Fixation_run3.txt``: "run3"), which need not be one person. Run 1
shows some images up to four times: "run1", "run1-2", ... are the looks.
Follows https://github.com/yaorong0921/CUB-GHA.
"""

from __future__ import annotations

import re
from collections import Counter

from .recording import DAMAGED, Options, Recording
from .tables import Source, fault, parse_number, quoted

RUN = re.compile(r"(?:^|[_-])(run\d+)$", re.IGNORECASE)
#: Lines at the start of a file that have to look like this format.
LOOKED_AT = 3


def detect(source: Source) -> bool:
    """Whether the first lines hold an id, a size, and triples of whole numbers."""
    if source.is_binary:
        return False
    lines = source.head.splitlines()[:LOOKED_AT]
    return bool(lines) and all(_is_like(line, whole=at + 1 < len(lines)) for at, line in enumerate(lines))


def _is_like(line: str, whole: bool) -> bool:
    """Whether a line is of this format; the last one of the head may be cut."""
    cells = line.split(",")
    return (
        len(cells) >= 6
        and all(cell.isascii() and cell.isdigit() for cell in cells[:6])
        and (len(cells) % 3 == 0 or not whole)
    )


def read(source: Source, options: Options) -> Recording:
    """Read one scanpath per line."""
    recording = Recording("ms", "px")
    run = RUN.search(source.stem)
    looks: Counter[str] = Counter()
    for number, line in source.lines():
        if not line.strip():
            continue
        try:
            name, *values = _numbers(source, number, line)
        except ValueError:
            if options.on_bad_row != "skip":
                raise
            recording.count(DAMAGED)
            continue
        image = str(int(name))
        looks[image] += 1
        reader = run[1].lower() if run else "look1"
        if looks[image] > 1:
            reader = f"{reader}-{looks[image]}" if run else f"look{looks[image]}"
        key = (image, reader)
        recording.sizes[key] = (values[0], values[1])
        recording.extend(key, values[2::3], values[3::3], values[4::3])
        recording.count(None)
    return recording


def _numbers(source: Source, number: int, line: str) -> list[float]:
    """Return the numbers of a line, checked."""
    cells = line.split(",")
    if len(cells) < 3 or len(cells) % 3:
        wanted = "expected an id, a width, a height, and x, y, duration of each fixation"
        raise fault(source.path, number, f"has {len(cells)} numbers; {wanted}")
    found = []
    for at, cell in enumerate(cells):
        value = parse_number(cell.strip())
        low = 1.0 if at in (1, 2) else 0.0
        if value is None or not abs(value) < 1e300 or (value < low and (at < 3 or at % 3 == 2)):
            raise fault(
                source.path,
                number,
                f"has {quoted(cell)} as number {at + 1}; expected a number from {low:g} on",
            )
        found.append(value)
    if found[0] != int(found[0]):
        raise fault(source.path, number, f"has the image id {quoted(cells[0])}; expected a whole number")
    return found
