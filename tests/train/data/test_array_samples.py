"""ArraySamples: how classes and groups are read, also where pandas left values out."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("gazesim.train")

from gazesim.train import ArraySamples

NAN = float("nan")


def samples(labels, **options):
    return ArraySamples(np.zeros((len(labels), 8, 8)), labels, **options)


@pytest.mark.parametrize(
    ("labels", "names", "codes"),
    [
        (["b", NAN, "a", None], ("a", "b"), [1, -1, 0, -1]),
        (np.array([1.0, np.nan, 0.0]), ("0.0", "1.0"), [1, -1, 0]),
        ([np.float32("nan"), "10", "9"], ("9", "10"), [-1, 1, 0]),
        # Words that float() takes for numbers are names, in the order of names.
        (["nan", "3", "inf", "a", "-inf", "2"], ("2", "3", "-inf", "a", "inf", "nan"), [5, 1, 4, 3, 2, 0]),
    ],
)
def test_classes(labels, names, codes):
    found = samples(labels)
    assert found.class_names == names
    assert found.labels == codes


@pytest.mark.parametrize("kind", [np.int64, np.int8, np.float32, list])
def test_the_number_minus_one_is_no_label(kind, capsys):
    labels = [0, 1, 2, 0, 1, -1]
    found = samples(labels if kind is list else np.array(labels, kind))
    assert found.labels == labels
    assert len(found.class_names) == 3
    assert "1 of 6 labels are the number -1: these images count as unlabelled" in capsys.readouterr().err
    assert samples(["-1", "0"]).class_names == ("-1", "0")


def test_missing_labels_beside_class_names():
    assert samples([1, NAN, None, 0], class_names=["a", "b"]).labels == [1, -1, -1, 0]


def test_no_group_is_a_group_of_ones_own():
    assert samples(["a"] * 4, groups=["", None, NAN, "p"]).groups == ["0", "1", "2", "p"]
    assert samples(["a"] * 2, groups=["", ""]).groups is None  # as in manifests
    assert samples(["a"] * 2).groups is None
