"""Two processes with half a batch each against one process with the whole batch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import ranks
from gazesim.torch import gather, gather_ids, id_codes


def start(task, folder):
    command = [sys.executable, "-W", "ignore", str(Path(ranks.__file__)), task]
    return [
        subprocess.Popen([*command, str(rank), str(folder)], stderr=subprocess.PIPE, text=True)
        for rank in range(ranks.WORLD)
    ]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The results of both ranks."""
    folder = tmp_path_factory.mktemp("train")
    processes = start("train", folder)
    for process in processes:
        _, errors = process.communicate(timeout=900)
        assert process.returncode == 0, errors
    return [torch.load(folder / f"rank{rank}.pt", weights_only=True) for rank in range(ranks.WORLD)]


@pytest.mark.parametrize("share", ranks.SHARES)
@pytest.mark.parametrize("gathered", ["inputs", "loss"])
@pytest.mark.parametrize("method", ["byol", "simclr", "moco"])
def test_two_ranks_train_as_one_process(trained, method, gathered, share):
    whole = ranks.train(method, gathered, slice(0, 8))
    for rank in trained:
        torch.testing.assert_close(rank[f"{method} {gathered} {share}"], whole, rtol=0, atol=1e-12)
    if method == "moco":
        assert int((whole["ids"] != -1).sum()) == ranks.SLOTS
        assert int(whole["_next"]) == (8 * ranks.STEPS) % ranks.SLOTS


def test_without_weights(trained):
    whole = ranks.plain(slice(0, 8))
    for rank in trained:
        torch.testing.assert_close(rank["plain"], whole, rtol=0, atol=1e-12)


@pytest.mark.parametrize("task", ["die", "hang"])
def test_a_lost_rank_ends_the_other_with_a_message(task, tmp_path):
    first, second = start(task, tmp_path)
    try:
        _, errors = first.communicate(timeout=900)
    finally:
        second.kill()
        second.communicate()
    assert first.returncode != 0
    assert "rank 0 of 2 failed gathering a batch" in errors
    assert "another rank has ended or does not answer" in errors


def test_one_process_gathers_nothing():
    rows = torch.randn(3, 2)
    assert gather(rows) is rows
    assert gather_ids(["a", 1]).equal(id_codes(["a", 1]))
