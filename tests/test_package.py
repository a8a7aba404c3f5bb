"""The package as a whole: public names, weight of the import, stubs, documentation that executes."""

from __future__ import annotations

import doctest
import importlib
import os
import pkgutil
import re
import subprocess
import sys

import pytest

import gazesim
from conftest import REPO

MEASURES = {
    "dtw_distance",
    "eyenalysis",
    "frechet_distance",
    "hausdorff_distance",
    "mannan_distance",
    "recurrence",
    "scanmatch",
    "scasim",
    "sequence_score",
    "stde",
    "string_edit_distance",
    "tde",
}
MEASURE_SCHEMES = {
    "DTW",
    "Eyenalysis",
    "Frechet",
    "Hausdorff",
    "Mannan",
    "Recurrence",
    "ScanMatch",
    "Scasim",
    "StringEdit",
    "TimeDelayEmbedding",
}
PUBLIC = {
    "__version__",
    "phantom",
    "TIMA",
    "AffinityCache",
    "AssumedScreenWarning",
    "DHash",
    "Features",
    "Grouping",
    "InvalidGazeWarning",
    "Moments",
    "MultiMatch",
    "Scanpaths",
    "Scheme",
    "Screen",
    "ScreenGeometry",
    "affinity",
    "compare_scanpaths",
    "detect_fixations",
    "dhash",
    "hu_moments",
    "measures",
    "multimatch",
    "neighbors",
    *MEASURES,
    *MEASURE_SCHEMES,
    "read_scanpaths",
    "reference",
    "render_heatmap",
    "saliency",
    "views",
}

# Submodules among them.
PARTS = ("measures", "phantom", "reference", "saliency", "views")

# Importable only with the extra that it belongs to, or heavy.
OPTIONAL = ("gazesim.torch", "gazesim.train", "gazesim.cache.dask", "gazesim.__main__")


def modules():
    found = pkgutil.walk_packages(gazesim.__path__, "gazesim.", onerror=lambda name: None)
    return [module.name for module in found if not module.name.startswith(OPTIONAL)]


def test_public_names():
    assert set(gazesim.__all__) == PUBLIC
    assert all(hasattr(gazesim, name) for name in PUBLIC)


def test_parts_are_attributes():
    assert "osie" in gazesim.io.FORMATS
    assert gazesim.cache.AffinityCache is gazesim.AffinityCache
    assert {"cache", "io", "torch", "train"} <= set(dir(gazesim))


def test_torch_is_an_attribute():
    pytest.importorskip("torch")
    assert gazesim.torch.PairMask.__name__ == "PairMask"


def test_a_part_that_is_not_installed_is_no_attribute(monkeypatch):
    monkeypatch.delitem(vars(gazesim), "train", raising=False)
    monkeypatch.setitem(sys.modules, "gazesim.train", None)
    assert not hasattr(gazesim, "train")
    with pytest.raises(AttributeError, match=r"gazesim\.train"):
        _ = gazesim.train


def test_version():
    assert re.fullmatch(r"\d+\.\d+\.\d+", gazesim.__version__)
    assert f'version = "{gazesim.__version__}"' in (REPO / "Cargo.toml").read_text()
    assert f"## {gazesim.__version__}" in (REPO / "CHANGELOG.md").read_text()


def test_the_crate_carries_the_licence():
    """`cargo package` takes only what lies in the folder of the crate."""
    assert (REPO / "rust" / "core" / "LICENSE").read_bytes() == (REPO / "LICENSE").read_bytes()


def test_import_is_light():
    code = "import sys, gazesim; dir(gazesim), gazesim.io.FORMATS, gazesim.cache; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"torch", "matplotlib", "pandas", "scipy", "sklearn", "cv2", "jsonargparse", "monai", "dask"}
    assert not heavy & set(loaded.stdout.split())


@pytest.mark.parametrize("name", modules())
def test_docstring_examples(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert doctest.testmod(importlib.import_module(name), optionflags=options).failed == 0


@pytest.mark.parametrize(
    "name", sorted(PUBLIC - {"InvalidGazeWarning", "Scheme", "__version__"} - set(PARTS))
)
def test_public_objects_have_runnable_examples(name):
    documentation = getattr(gazesim, name).__doc__
    assert ">>> " in documentation


@pytest.mark.parametrize("part", ["gazesim.io", "gazesim.phantom", "gazesim.saliency", "gazesim.views"])
def test_functions_and_classes_of_parts_have_runnable_examples(part):
    module = importlib.import_module(part)
    for name in module.__all__:
        if callable(getattr(module, name)):
            assert ">>> " in getattr(module, name).__doc__, name


def readme_snippets():
    return re.findall(r"```python\n(.*?)```", (REPO / "README.md").read_text(), re.DOTALL)


def raw_export():
    """Return what the README reads: half a second on each of two places, a lost sample, a mouse."""
    header = "Recording timestamp [ms]\tSensor\tGaze point X [DACS px]\tGaze point Y [DACS px]\n"
    rows = [f"{17 * k}\tEye Tracker\t{300 if k < 30 else 900}\t{200 + k % 2}\n" for k in range(60)]
    return header + "".join([*rows, "1020\tEye Tracker\t\t\n", "1021\tMouse\t\t\n"])


@pytest.mark.parametrize("number", range(len(readme_snippets())))
def test_readme_snippets_run(number, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "export.tsv").write_text(raw_export())
    exec(compile(readme_snippets()[number], f"README snippet {number}", "exec"), {})


def test_stubs_match_the_compiled_module():
    environment = {**os.environ, "MYPYPATH": str(REPO / "python")}
    command = [sys.executable, "-m", "mypy.stubtest", "gazesim._core"]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=REPO)
    assert result.returncode == 0, result.stdout


def test_house_rules():
    """Only torch/ and train/ import torch; only parallel uses rayon; only sink and simd are unsafe."""
    for path in (REPO / "python" / "gazesim").rglob("*.py"):
        if not {"torch", "train"} & set(path.relative_to(REPO / "python" / "gazesim").parts):
            assert not re.search(r"^\s*(import|from) torch\b", path.read_text(), re.MULTILINE), path
    for path in (REPO / "rust" / "core" / "src").rglob("*.rs"):
        text = path.read_text()
        assert ("rayon::" in text) == (path.name == "parallel.rs"), path
        assert not re.search(r"thread::(spawn|scope|Builder)", text), path
        assert "env::" not in text, path
        assert ("unsafe {" in text) <= (path.name == "dense.rs" or path.parent.name == "simd"), path
        assert "pyo3" not in text, path
