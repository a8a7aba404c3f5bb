"""The verbs of the command line, one file each."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

#: Environment variable that suppresses the line that says what to type next (``--quiet``).
_IS_QUIET = "GAZESIM_QUIET"


def program() -> str:
    """Return the command that runs this ``gazesim``, which may differ from the one that the shell finds."""
    folder, found = Path(sys.executable).parent, shutil.which("gazesim")
    if found is not None and Path(found).absolute().parent == folder:
        return "gazesim"
    inside = folder.is_relative_to(Path.cwd())
    return f"{os.path.relpath(sys.executable) if inside else sys.executable} -m gazesim"


def say_next(*words: object) -> None:
    """Print the next command on stderr: a verb and its words, quoted for the shell if needed.

    Words in capitals, such as FILE, are placeholders.
    """
    if not is_quiet():
        sys.stdout.flush()  # it is the last line also where both streams end in one file
        print(f"next: {program()} {' '.join(shlex.quote(str(word)) for word in words)}", file=sys.stderr)


def is_quiet() -> bool:
    """Return whether the line of :func:`say_next` is suppressed."""
    return os.environ.get(_IS_QUIET, "0") not in ("", "0")


def set_quiet(quiet: bool) -> None:
    """Suppress the line of :func:`say_next`, in this process and in those that it starts."""
    if quiet:
        os.environ[_IS_QUIET] = "1"
    else:
        os.environ.pop(_IS_QUIET, None)
