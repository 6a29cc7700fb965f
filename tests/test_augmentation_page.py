"""The commands of docs/augmentation.md compose, and its Python runs."""

import re
import shlex

import pytest

from ganzoo.composition.compose import compose_config, config_directory, group_choices

PAGE = config_directory().parent / "docs" / "augmentation.md"
TEXT = PAGE.read_text()
COMMANDS = re.findall(r"^python -m ganzoo\.train (.*)$", TEXT, re.M)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_compose(command):
    assert compose_config(shlex.split(command)).model.augmentations


def test_the_code_runs():
    names = {}
    for block in re.findall(r"```python\n(.*?)```", TEXT, re.S):
        exec(compile(block, str(PAGE), "exec"), names)
    assert names["shown"].shape == (8, 3, 32, 32)
    assert names["adaptive"].probability.target == 0.5
    assert names["some"].probability.now == 0


def test_every_choice_is_in_the_table_of_presets():
    table = TEXT.partition("## The presets")[2].partition("##")[0]
    rows = " ".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `"))
    assert set(re.findall(r"`(\w+)`", rows)) == set(group_choices("augment")) - {"none"}
