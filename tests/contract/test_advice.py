"""Every setting that a message of the library tells people to set is one, under that name."""

import ast
import re
from pathlib import Path

import pytest
import yaml

import ganzoo
from ganzoo.composition.compose import group_choices
from ganzoo.composition.left_out import trainer_arguments
from ganzoo.composition.overrides import group_at
from ganzoo.configs import config_directory

SOURCE = Path(ganzoo.__file__).parent
CONFIGS = config_directory()
COMMANDS = ("config", "evaluate", "sample", "project", "import_weights")
PRIMARY = [CONFIGS / f"{name}.yaml" for name in COMMANDS]
GROUPS = {path.name for path in CONFIGS.iterdir() if path.is_dir()}
SPEAKERS = re.compile(r"(Error|Warning|log\.\w+|_say|require|gather)$")
DOTTED = re.compile(rf"(?<![\w./@])(?:{'|'.join(sorted(GROUPS))})(?:\.[a-z_0-9]+)+(?![\w/(])")
ADVICE = re.compile(r"\b(?:set|add|choose|write) ([a-z_.]+)=([a-zA-Z_0-9]+)")


def said(path):
    """All that is said in the errors and the log lines of a file, values as {}."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and SPEAKERS.search(ast.unparse(node.func)):
            for part in ast.walk(node):
                if isinstance(part, ast.JoinedStr):
                    values = part.values
                    yield "".join(v.value if isinstance(v, ast.Constant) else "{}" for v in values)
                elif isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value


@pytest.fixture(scope="module")
def texts():
    """All that is said, and where."""
    return [(text, path) for path in SOURCE.rglob("*.py") for text in said(path)]


@pytest.fixture(scope="module")
def contents():
    """What the config files of each group hold, and what is at the top."""
    loaded = {
        group: [
            content
            for path in (CONFIGS / group).rglob("*.yaml")
            for content in placed(path, CONFIGS / group)
        ]
        for group in GROUPS
    }
    return loaded | {"": [yaml.safe_load(path.read_text()) for path in PRIMARY]}


def placed(path, folder):
    """What a config file holds, also under the names of the folders that it is in."""
    content = yaml.safe_load(path.read_text()) or {}
    yield content
    for name in reversed(path.parent.relative_to(folder).parts):
        content = {name: content}
        yield content


def has(node, path):
    for key in path:
        if not isinstance(node, dict) or key not in node:
            return False
        node = node[key]
    return True


def is_setting(name, contents):
    group, *inside = name.split(".")
    if group_at(name, [CONFIGS]) or (group == "trainer" and inside[0] in trainer_arguments()):
        return True
    # A part that another group brings is a setting too: model.gradient_penalty.weight.
    brought = [one for several in contents.values() for one in several]
    mine = [path for one in contents[group] for path in (one, one.get(group))]
    return any(has(one, inside) for one in [*mine, *brought])


def test_dotted_names_are_settings(texts, contents):
    found = {name: path for text, path in texts for name in DOTTED.findall(text)}
    assert len(found) > 20
    wrong = {name: path for name, path in found.items() if not is_setting(name, contents)}
    assert not wrong


def test_choices_and_plain_names_are_settings(texts, contents):
    advice = {found: path for text, path in texts for found in ADVICE.findall(text)}
    assert len(advice) > 5
    top = {name for one in [*contents[""], *contents["model"]] for name in one}
    choices = {group: {*group_choices(group)} for group in GROUPS}
    for name, _ in advice:
        inner = group_at(name, [CONFIGS])
        if inner:
            choices[name] = {*group_choices(inner.partition("@")[0])}
    placeholders = {"PATH", "NAME", "CLASS", "value"}
    wrong = {
        (name, choice): path
        for (name, choice), path in advice.items()
        if choice not in placeholders | choices.get(name, set())
        and (name in choices or ("." not in name and name not in top))
    }
    assert not wrong
