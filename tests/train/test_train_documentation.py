"""The examples in the docstrings of gazesim.train run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

pytest.importorskip("gazesim.train")

import gazesim.train

MODULES = [module.name for module in pkgutil.walk_packages(gazesim.train.__path__, "gazesim.train.")]


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert doctest.testmod(importlib.import_module(name), optionflags=options).failed == 0


def test_public_names_are_distinct():
    assert len(gazesim.train.__all__) == len(set(gazesim.train.__all__))


@pytest.mark.parametrize("name", [name for name in gazesim.train.__all__ if not name.endswith("Warning")])
def test_public_objects_have_runnable_examples(name):
    assert ">>> " in getattr(gazesim.train, name).__doc__
