"""The verbs of the command line, one file each, and what they share."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

#: Whether the last line that says what to type next is left out (``--quiet``).
_IS_QUIET = "GAZESIM_QUIET"


def program() -> str:
    """Return what to type for this ``gazesim``, which need not be the one that the shell finds, if any."""
    folder, found = Path(sys.executable).parent, shutil.which("gazesim")
    if found is not None and Path(found).absolute().parent == folder:
        return "gazesim"
    inside = folder.is_relative_to(Path.cwd())
    return f"{os.path.relpath(sys.executable) if inside else sys.executable} -m gazesim"


def say_next(*words: object) -> None:
    """Say on stderr what to type next: a verb and its words, quoted for the shell where they need it.

    Words in capitals, such as FILE, are places to fill in.
    """
    if os.environ.get(_IS_QUIET, "0") in ("", "0"):
        sys.stdout.flush()  # it is the last line also where both streams end in one file
        print(f"next: {program()} {' '.join(shlex.quote(str(word)) for word in words)}", file=sys.stderr)


def set_quiet(is_quiet: bool) -> None:
    """Leave out what :func:`say_next` says, in this process and those that it starts."""
    if is_quiet:
        os.environ[_IS_QUIET] = "1"
    else:
        os.environ.pop(_IS_QUIET, None)
