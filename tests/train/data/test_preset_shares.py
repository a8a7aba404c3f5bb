"""The shares of splits where a data set publishes none."""

from __future__ import annotations

from collections import Counter

import pytest

pytest.importorskip("gazesim.train")

from gazesim.train import preset
from train.data.test_presets import MIMIC, egd, picture
from train.reproduce import owners

__all__ = ["egd"]  # a fixture


def test_splits_have_the_shares_of_the_papers(egd, tmp_path_factory):
    """80/20 as each of McGIP's folds, 80/10/10 by patient as EGD-CXR's makers; what is given counts more."""
    place = tmp_path_factory.mktemp("owners")
    tufts_folder = owners.tufts(place / "tufts", images=20)
    found = preset("inbreast", owners.inbreast(place / "inbreast", patients=15))
    assert Counter(entry.split for entry in found.entries) == {"train": 24, "test": 6}
    patients = {
        split: {one.group for one in found.entries if one.split == split} for split in ("train", "test")
    }
    assert not patients["train"] & patients["test"]
    splits = Counter(entry.split for entry in preset("tufts", tufts_folder).entries)
    assert splits == {"train": 16, "test": 4}
    given = {"train": 0.5, "val": 0.0, "test": 0.5}
    splits = Counter(entry.split for entry in preset("tufts", tufts_folder, fractions=given).entries)
    assert splits == {"train": 10, "test": 10}
    with (egd / "master_sheet.csv").open("a") as sheet:
        for i in range(38):  # one patient each, beside the two of the fixture
            picture(egd / MIMIC / f"more-{i}.jpg")
            sheet.write(f'\nmore-{i},{MIMIC}/more-{i}.dcm,{100 + i},1,0,0,0,0,480,480,"none"')
    splits = Counter(entry.split for entry in preset("egd-cxr", egd).entries)
    assert abs(splits["train"] - 33) + abs(splits["val"] - 4) + abs(splits["test"] - 4) <= 2
