"""Trainings of ``gazesim pretrain`` in other processes: interrupted, or with two ranks."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import torch


def state(folder):
    """Return the weights that a run ended with."""
    return torch.load(folder / "last.ckpt", weights_only=True)["state_dict"]


def threads():
    """Return the environment of a process with as many threads as this one, for bit-equal results."""
    return os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}


def interrupted(words, folder, how):
    """Start a training, end it after its first epoch, and return its exit status and what it said."""
    words = ["pretrain", *words, "--out", str(folder)]
    # A process started in the background may ignore Ctrl-C; one of a user does not.
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        f"from gazesim.cli import main; sys.exit(main({words!r}))"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, env=threads()
    )
    deadline = time.monotonic() + 900
    while not (folder / "last.ckpt").is_file() and time.monotonic() < deadline:
        assert child.poll() is None, child.communicate()[1]
        time.sleep(0.005)
    child.send_signal(how)
    _, said = child.communicate(timeout=300)
    return child.returncode, said


def trained_by_two(words, folder):
    """Train with two processes on the CPU, and return what they said."""
    two = ["--trainer.devices", "2", "--trainer.strategy", "ddp", "--out", str(folder)]
    done = subprocess.run(
        [sys.executable, "-m", "gazesim", "pretrain", *words, *two],
        capture_output=True,
        text=True,
        env=threads(),
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr
