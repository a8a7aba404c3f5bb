"""What Lightning's trainings share: seeds that leave every generator as it was."""

from __future__ import annotations

import pytest

pytest.importorskip("gazesim.train")

import torch

from gazesim.train.lightning_tools import seeded


def test_seeding_leaves_the_generator_as_it_was():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    with seeded(7):
        first = torch.rand(3)
    assert torch.get_rng_state().equal(before)
    with seeded(7):
        assert torch.rand(3).equal(first)


def test_the_generators_of_gpus_are_put_back(monkeypatch):
    """With a stand-in for two GPUs: their states are read before seeding, and set afterwards."""
    states, said = {0: torch.tensor([1]), 1: torch.tensor([2])}, []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda device: states[device])
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: said.append(("seeded", seed)))
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, device: said.append((device, int(state))))
    with seeded(7):
        assert said == [("seeded", 7)]
    assert said == [("seeded", 7), (0, 1), (1, 2)]
