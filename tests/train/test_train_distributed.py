"""Two processes that share each batch train as one process with the whole batch does."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("gazesim.train")

import torch

from train.rank import POOLED, TARGETS, trained

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    """The losses and weights of both ranks."""
    folder = tmp_path_factory.mktemp("ranks")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        (folder / "port").write_text(str(free.getsockname()[1]))
    paths = os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])
    both = [
        subprocess.Popen(
            [sys.executable, str(HERE / "rank.py"), str(rank), str(folder)],
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        )
        for rank in range(2)
    ]
    said = [process.communicate(timeout=900)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    return [torch.load(folder / f"rank{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.mark.parametrize("framework", ["byol", "moco", "simclr", *TARGETS, POOLED])
def test_two_ranks_equal_one_process(framework, ranks):
    alone = trained(framework, 1)
    assert len(alone["losses"]) == 4
    for rank in ranks:
        assert rank[framework]["losses"] == pytest.approx(alone["losses"], rel=1e-9)
        assert rank[framework]["ids"] == alone["ids"]
        for mine, expected in zip(rank[framework]["weights"], alone["weights"], strict=True):
            torch.testing.assert_close(mine, expected, rtol=1e-6, atol=1e-9)


def test_keys_of_nets_with_batch_norms_are_shuffled_and_put_back(ranks):
    first, second = (rank["moco with norms"] for rank in ranks)
    alone = trained("moco with norms", 1)
    assert first["losses"] == second["losses"]
    assert first["losses"] == pytest.approx(alone["losses"], rel=0.2)
    assert first["ids"] == second["ids"] == alone["ids"]
    assert all(mine.equal(other) for mine, other in zip(first["weights"], second["weights"], strict=True))
