"""What the design promises about the code itself."""

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest
from lightning.pytorch import LightningModule
from torch import nn

import ganzoo
from ganzoo.losses.base import PointwiseLoss
from ganzoo.models.game import Game
from ganzoo.penalties.base import Penalty

SOURCE = Path(ganzoo.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
ENTRY_IN_THEORY = "theory/__main__"
PARTS = ("losses", "penalties", "augment", "networks", "models", "optim")


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def public_classes(*packages):
    for package in packages:
        for info in pkgutil.iter_modules([str(SOURCE / package)], f"ganzoo.{package}."):
            module = importlib.import_module(info.name)
            for name, found in vars(module).items():
                if inspect.isclass(found) and found.__module__ == info.name and name[0] != "_":
                    yield found


def test_only_entry_points_and_composition_import_hydra():
    allowed = {SOURCE / f"{name}.py" for name in ("train", "evaluate", "sample", ENTRY_IN_THEORY)}
    for path in FILES:
        if path not in allowed and path.parent.name != "composition":
            roots = {name.split(".")[0] for name in imports(path)}
            assert "hydra" not in roots, path
            assert "omegaconf" not in roots or path == SOURCE / "configs.py", path


@pytest.mark.parametrize(
    ("package", "may_import"),
    [
        ("losses", {"defaults", "losses", "strategies", "errors", "precision"}),
        ("augment", {"defaults", "augment", "errors"}),
        ("penalties", {"defaults", "penalties", "augment", "errors", "precision"}),
        ("networks", {"defaults", "networks", "strategies", "errors", "precision"}),
        ("optim", {"defaults", "optim", "strategies", "errors"}),
        ("theory", {"defaults", "theory", "losses", "penalties", "errors", "precision"}),
        ("theory/figures", {"theory", "pictures", "losses", "penalties", "errors"}),
        ("data", {"defaults", "data", "errors"}),
        ("metrics", {"defaults", "metrics", "errors"}),
        (
            "models",
            {
                "models",
                "defaults",
                "losses",
                "penalties",
                "augment",
                "networks",
                "optim",
                "strategies",
                "errors",
                "precision",
            },
        ),
    ],
)
def test_imports_point_one_way(package, may_import):
    for path in set((SOURCE / package).glob("*.py")) - {SOURCE / f"{ENTRY_IN_THEORY}.py"}:
        inside = {name.split(".")[1] for name in imports(path) if name.startswith("ganzoo.")}
        assert inside <= may_import, path


@pytest.mark.parametrize("package", ["models", "losses", "networks", "penalties"])
def test_no_choice_by_name(package):
    for path in (SOURCE / package).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
                sides = [node.left, *node.comparators]
                words = [
                    s for s in sides if isinstance(s, ast.Constant) and isinstance(s.value, str)
                ]
                assert all(word.value == "cpu" for word in words), f"{path}:{node.lineno}"


def test_at_most_two_levels_below_the_game():
    for found in public_classes("models"):
        if issubclass(found, LightningModule):
            games = [base for base in found.__mro__ if issubclass(base, Game)]
            assert len(games) <= 3, found


@pytest.mark.parametrize("found", list(public_classes(*PARTS)), ids=lambda c: c.__name__)
def test_every_part_names_its_source(found):
    abstract = inspect.isabstract(found)
    if issubclass(found, nn.Module | Penalty | PointwiseLoss) and not abstract:
        assert "arXiv" in Path(inspect.getfile(found)).read_text()


def test_sizes():
    for path in FILES:
        assert path.read_text().count("\n") <= 300, path


def test_one_stem_for_a_variant():
    names = {path.stem for path in (SOURCE / "models").glob("*.py")}
    mechanics = {
        "__init__", "averaging", "batches", "class_labels", "class_names", "classes", "compiled",
        "encoding", "finite", "fit", "game", "generated", "inference", "intake", "loaders",
        "local_state", "logits", "monitored", "move", "own_parts", "penalising", "pickling",
        "player", "portable", "presentation", "recipe", "record", "replay", "sampling",
        "scheduling", "true_precision", "unrolling",
    }  # fmt: skip
    configs = {path.stem for path in (SOURCE.parents[1] / "conf" / "model").glob("*.yaml")}
    assert names - mechanics <= configs
