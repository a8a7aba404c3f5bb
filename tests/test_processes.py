"""Threads, forks, signals and the GIL."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings

import numpy as np
import pytest

import gazesim

# Enough work to start threads.
GAZES = [np.random.default_rng(seed).random((40, 3)) for seed in range(100)]


def matrix(n_threads=2):
    return gazesim.affinity(GAZES, screen_size=(1, 1), n_threads=n_threads)


def send_matrix(connection):
    connection.send(matrix())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_fork_after_a_parallel_call():
    expected = matrix()
    read, write = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # other libraries may hold threads
        child = os.fork()
    if child == 0:
        good = np.array_equal(matrix(), expected)
        os.write(write, b"1" if good else b"0")
        os._exit(0)
    deadline = time.monotonic() + 60
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            pytest.fail("the forked child hangs")
        time.sleep(0.01)
    assert os.read(read, 1) == b"1"


def test_spawned_worker():
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    worker = context.Process(target=send_matrix, args=(theirs,))
    worker.start()
    assert ours.poll(120)
    assert np.array_equal(ours.recv(), matrix())
    worker.join(60)
    assert worker.exitcode == 0


def test_four_threads_at_once():
    expected = matrix()
    results = [None] * 4

    def work(k):
        results[k] = matrix(n_threads=1 + k % 2)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(result, expected) for result in results)


def test_another_thread_makes_progress():
    ticks = []
    running = threading.Event()
    running.set()

    def tick():
        while running.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    ticker = threading.Thread(target=tick)
    ticker.start()
    gazes = GAZES * 6
    start = time.perf_counter()
    gazesim.affinity(gazes, screen_size=(1, 1), n_threads=1)
    end = time.perf_counter()
    running.clear()
    ticker.join()
    during = sum(start < t < end for t in ticks)
    assert during > 5, f"{during} ticks in {end - start:.2f} s: the GIL was held"


def test_an_exception_in_the_progress_callback_ends_the_call():
    from gazesim import _core

    features = gazesim.MultiMatch(screen_size=(1, 1)).features(GAZES * 30)

    def refuse(done):
        raise RuntimeError("enough")

    out = np.empty((len(features),) * 2, np.float32)
    pair = (features.values, features.offsets)
    with pytest.raises(RuntimeError, match="enough"):
        _core.multimatch_affinity(
            pair, None, out, screen_size=(1, 1), weights=(0.2,) * 5, alignment="joint", progress=refuse
        )


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("room_mb", [40, 250, 340, 520, 820])
def test_fewer_threads_where_the_system_has_no_more(room_mb):
    """The stacks of 500 threads do not fit into the memory that is left; those of a few do.

    A thread that meets the limit while it starts ends the process, so none may.
    """
    script = f"""
        import resource, numpy as np, gazesim
        gazes = [np.random.default_rng(seed).random((40, 3)) for seed in range(100)]
        features = gazesim.MultiMatch(screen_size=(1, 1)).features(gazes * 10)
        expected = features.affinity(n_threads=1)
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + {room_mb}_000_000,) * 2)
        assert np.array_equal(features.affinity(n_threads=500), expected)
        print("equal")
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stdout == "equal\n", done.stderr[-2000:]


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent differently on Windows")
@pytest.mark.parametrize("n_threads", [1, 2])
def test_ctrl_c_ends_a_call_of_minutes(n_threads):
    script = f"""
        import signal, time, numpy as np, gazesim
        signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run in the background
        gazes = [np.random.default_rng(k).random((200, 3)) for k in range(8000)]  # minutes of work
        features = gazesim.MultiMatch(screen_size=(1, 1)).features(gazes)
        print("ready", flush=True)
        try:
            features.affinity(n_threads={n_threads})
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)  # the whole call would take several minutes
        assert output == "interrupted\n"
        assert process.returncode == 0
