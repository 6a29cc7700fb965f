"""What the design promises about the code itself."""

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest
from lightning.pytorch import LightningModule

import ganzoo
from ganzoo.configs import config_directory

SOURCE = Path(ganzoo.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
MODELS = sorted(set((SOURCE / "models").glob("*.py")) - {SOURCE / "models" / "__init__.py"})

# From what everybody may use to the entry points. Whoever imports a package stands above it, and
# those on one level do not know each other.
LEVELS = (
    {"__version__", "__file__"},
    {"errors", "precision", "configs"},
    {"defaults", "logits", "progress", "saving", "interpolation", "strategies"},
    {"annealing"},
    {"augment", "losses", "networks", "optim", "data", "metrics", "pictures", "loggers"},
    {"penalties"},
    {"game"},
    {"sampling"},
    {"models", "theory", "checkpoints", "export", "picture_folders", "projection"},
    {"callbacks", "evaluation", "foreign_weights"},
    {"composition"},
    {"__init__", "__main__", "train", "evaluate", "sample", "project", "import_weights", "zoo"},
)
LEVEL_OF = {name: number for number, names in enumerate(LEVELS) for name in names}
ENTRY_IN_THEORY = "theory/__main__.py"
# Lightning's own way to load a model is a method of every model: it asks for ganzoo.load.
UPWARDS = {("game/lightning_habits.py", "__init__")}

# What parts may know beside what all may use.
PARTS = {
    "losses": {"strategies"},
    "augment": {"annealing", "progress", "strategies"},
    "penalties": {"annealing", "augment", "progress", "strategies"},
    "networks": {"strategies"},
    "optim": {"annealing", "progress", "strategies"},
    "data": set(),
    "metrics": {"interpolation"},
    "pictures": set(),
    "loggers": {"saving"},
    "strategies": set(),
}
ALL_MAY_USE = {"errors", "precision", "defaults", "logits"}


def place(path):
    return path.relative_to(SOURCE).as_posix()


def package(path):
    """The folder or the file at the top that a file belongs to."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported(path):
    """The full names of all modules, and of what it takes of the root, that a file ever imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name != "ganzoo")
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "ganzoo":
            yield f"ganzoo.{node.attr}"
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, f"{path}: say from where"
            found = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from found if node.module == "ganzoo" else [node.module]


def imported_packages(path):
    """Our own packages that a file ever imports, the root as ``__init__``."""
    for name in imported(path):
        root, _, rest = name.partition(".")
        if root == "ganzoo":
            first = rest.partition(".")[0]
            yield first if first in LEVEL_OF else "__init__"


def test_every_package_has_its_level():
    assert {package(path) for path in FILES} | LEVELS[0] == set(LEVEL_OF)


def test_imports_point_one_way_those_inside_functions_too():
    for path in FILES:
        level = len(LEVELS) if place(path) == ENTRY_IN_THEORY else LEVEL_OF[package(path)]
        theirs = set(imported_packages(path)) - {package(path)}
        upwards = {(place(path), name) for name in theirs if LEVEL_OF[name] >= level}
        assert upwards <= UPWARDS


@pytest.mark.parametrize("part", PARTS)
def test_parts_do_not_know_each_other(part):
    for path in (SOURCE / part).rglob("*.py"):
        assert set(imported_packages(path)) <= {part} | PARTS[part] | ALL_MAY_USE, path


def test_only_entry_points_and_composition_import_hydra():
    entries = ("train", "evaluate", "sample", "project", "import_weights")
    allowed = {SOURCE / f"{name}.py" for name in entries}
    allowed |= {SOURCE / ENTRY_IN_THEORY, SOURCE / "configs.py"}
    for path in FILES:
        roots = {name.split(".")[0] for name in imported(path)}
        if path.parent.name != "composition":
            assert "hydra" not in roots or path in allowed - {SOURCE / "configs.py"}, path
            assert "omegaconf" not in roots or path in allowed, path


# Where something is, and who plays.
NAMES_OF_NO_PART = {"cpu", "discriminator", "generator", "ema"}


@pytest.mark.parametrize("name", ["game", "sampling", "models", "losses", "networks", "penalties"])
def test_no_choice_by_name(name):
    for path in (SOURCE / name).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
                sides = [node.left, *node.comparators]
                words = {
                    s.value for s in sides if isinstance(s, ast.Constant) and type(s.value) is str
                }
                assert words <= NAMES_OF_NO_PART, f"{path}:{node.lineno}"


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_models_holds_algorithms_and_nothing_else(path):
    configs = {
        file.stem: file.read_text() for file in (config_directory() / "model").glob("*.yaml")
    }
    targets = set(re.findall(rf"ganzoo\.models\.{path.stem}\.(\w+)", "".join(configs.values())))
    found = vars(importlib.import_module(f"ganzoo.models.{path.stem}")).values()
    mine = {
        one.__name__
        for one in found
        if inspect.isclass(one) and issubclass(one, LightningModule) and path == file_of(one)
    }
    assert path.stem in configs, "a variant has one name"
    assert mine == targets and len(mine) == 1


def file_of(kind):
    return Path(inspect.getfile(kind))


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_variant_is_at_most_two_levels_of_models(path):
    for found in vars(importlib.import_module(f"ganzoo.models.{path.stem}")).values():
        if inspect.isclass(found) and issubclass(found, LightningModule):
            models = [
                base for base in found.__mro__ if base.__module__.startswith("ganzoo.models.")
            ]
            assert len(models) <= 2, found


def test_sizes():
    # The training loop is one class, with all the hooks that Lightning has for a module.
    longest = {"game/module.py": 450}
    for path in FILES:
        assert path.read_text().count("\n") <= longest.get(place(path), 300), path
