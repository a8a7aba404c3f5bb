"""The progress bar."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import types
import warnings

import pytest

from gazesim import _progress
from gazesim._progress import ProgressBar


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_process_killed_while_it_writes_does_not_stop_its_parent():
    read, write = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        ProgressBar.get_lock().acquire()
        os.write(write, b"1")
        signal.pause()
    os.read(read, 1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    drawn = threading.Thread(target=lambda: ProgressBar(total=1, disable=False).close(), daemon=True)
    drawn.start()
    drawn.join(20)
    assert not drawn.is_alive()


def test_it_leaves_no_thread_behind():
    before = threading.active_count()
    with ProgressBar(total=3) as bar:
        bar.update(3)
    assert threading.active_count() == before


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_log_gets_a_line_at_the_end_and_one_a_minute(monkeypatch):
    stream, now = io.StringIO(), [0.0]
    monkeypatch.setattr("gazesim._progress.time.time", lambda: now[0])
    with ProgressBar(total=600, unit=" steps", file=stream) as bar:
        bar._time = lambda: now[0]
        bar.start_t = bar.last_print_t = 0.0
        for _ in range(600):
            now[0] += 0.25
            bar.update()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 3  # at 60 s, at 120 s, at the end
    assert "240/600" in lines[0]
    assert "480/600" in lines[1]
    assert "600/600" in lines[2]
    assert "\r" not in stream.getvalue()


def test_an_inner_bar_leaves_no_line_in_a_log():
    stream = io.StringIO()
    with ProgressBar(total=3, leave=False, file=stream) as bar:
        bar.update(3)
    assert stream.getvalue() == ""


def test_a_terminal_gets_one_line_that_is_drawn_again():
    stream = Terminal()
    with ProgressBar(total=3, file=stream, mininterval=0) as bar:
        for _ in range(3):
            bar.update()
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().count("\r") >= 3


def test_a_notebook_draws_with_widgets(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)  # ipywidgets is installed
    shell = types.SimpleNamespace(config={"IPKernelApp": {}})
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    assert _progress._is_notebook()
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: None))
    assert not _progress._is_notebook()


def test_the_environment_turns_off_bars_that_a_call_asks_for():
    script = "from gazesim._progress import ProgressBar; list(ProgressBar(range(3), disable=False))"
    for value, is_drawn in (("", True), ("1", False)):
        told = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "TQDM_DISABLE": value},
            capture_output=True,
            text=True,
            check=True,
        )
        assert bool(told.stderr) is is_drawn
