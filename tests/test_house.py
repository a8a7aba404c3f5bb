"""The house of CONTRIBUTING.md, read from the imports themselves: arrows run one way, files stay short."""

from __future__ import annotations

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from conftest import REPO

PACKAGE = REPO / "python" / "gazesim"

#: Rooms from the ground up. A room imports only rooms before it; `_core` is the compiled module.
FLOORS = (
    "_core _errors _progress",
    "ids pair_rules",
    "geometry scanpaths",
    "heatmaps",
    "fixations",
    "io",
    "schemes",
    "affinity",
    "measures",
    "compare saliency",
    "reference views phantom",
    "cache",
    "reading",
    "plots",
    "report",
    "torch",
    "train.lightning_tools train.measuring",
    "train.data",
    "train.pretrain",
    "train.saliency",
    "train.evaluation",
    "train.reproduce",
    "train",
    "commands",
    "cli",
    "__main__",
)
RANK = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms.split()}

#: Imports under this name are only for annotations and count as no arrow.
TYPES_ONLY = "TYPE_CHECKING"

#: Names with an underscore that belong to other packages, and to named tuples.
FOREIGN = {"_buffers", "_ddp_kwargs", "_getframe", "_parameters", "_replace", "_trainer"}


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def resolved(path: Path, node: ast.ImportFrom) -> list[str]:
    """Return the modules that an import names, without the leading ``gazesim.``."""
    folder = list(path.relative_to(PACKAGE).parent.parts)
    if node.level:
        base = folder[: len(folder) - (node.level - 1)]
        start = [*base, *(node.module or "").split(".")]
    elif (node.module or "").split(".")[0] == "gazesim":
        start = (node.module or "").split(".")[1:]
    else:
        return []
    name = ".".join(part for part in start if part)
    found = []
    for alias in node.names:
        inner = f"{name}.{alias.name}" if name else alias.name
        file = PACKAGE.joinpath(*inner.split("."))
        found.append(inner if file.with_suffix(".py").is_file() or file.is_dir() else name)
    return found


def arrows(path: Path) -> set[str]:
    """Return the modules of this package that a file imports, except those only for annotations."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and TYPES_ONLY in ast.unparse(node.test):
            return
        if isinstance(node, ast.ImportFrom):
            found.update(resolved(path, node))
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text()))
    return {name for name in found if name}


def room_of(module: str) -> str:
    parts = module.split(".")
    inner = ".".join(parts[:2])
    return inner if inner in RANK else parts[0]


FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def test_every_room_has_a_floor():
    rooms = {room_of(module_of(path)) for path in FILES}
    assert rooms <= set(RANK)
    assert set(RANK) <= rooms | {"_core"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_arrow_runs_upward(path):
    room = room_of(module_of(path))
    for target in arrows(path):
        other = room_of(target)
        assert other == room or RANK[other] < RANK[room], f"{module_of(path)} imports {target}"


def test_no_circle_among_files():
    graph = {}
    for path in FILES:
        own = module_of(path)
        graph[own] = {target for target in arrows(path) if target != own}
    list(TopologicalSorter(graph).static_order())


def test_files_stay_short():
    code = [*REPO.glob("python/**/*.py"), *REPO.glob("tests/**/*.py"), *REPO.glob("rust/*/src/**/*.rs")]
    code += [*REPO.glob("benchmarks/**/*.py"), *REPO.glob("rust/core/tests/*.rs")]
    assert len(code) > 200
    assert [f"{path}: {n}" for path in code if (n := len(path.read_text().splitlines())) > 450] == []


def test_no_private_name_crosses_modules():
    """No module imports a name with an underscore, nor reads one that another module defines."""
    found = []
    for path in FILES:
        tree = ast.parse(path.read_text())
        nodes = list(ast.walk(tree))
        own = {node.name for node in nodes if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
        own |= {node.attr for node in nodes if isinstance(node, ast.Attribute) and is_stored(node)}
        own |= {node.id for node in nodes if isinstance(node, ast.Name) and is_stored(node)}
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and node.level:
                found += [f"{path.name}: {alias.name}" for alias in node.names if is_private(alias.name)]
            elif isinstance(node, ast.Attribute) and is_private(node.attr):
                is_inherited = ast.unparse(node.value) in ("self", "cls", "super()")
                if not is_inherited and node.attr not in own | FOREIGN:
                    found.append(f"{path.name}, line {node.lineno}: {ast.unparse(node)}")
    assert found == []


def is_stored(node: ast.Attribute | ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def is_private(name: str) -> bool:
    is_module = any(PACKAGE.joinpath(f"{name}{ending}").is_file() for ending in (".py", ".pyi"))
    return name.startswith("_") and not name.startswith("__") and not is_module


def test_torch_stays_in_its_rooms():
    for path in FILES:
        if path.relative_to(PACKAGE).parts[0] not in ("torch", "train"):
            assert not re.search(r"^(import|from) torch\b", path.read_text(), re.MULTILINE), path
