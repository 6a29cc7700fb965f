"""What --help says, and that it says all of it on one screen."""

import sys

import pytest

from ganzoo.composition.compose import all_groups, compose_config, group_choices
from ganzoo.composition.entry import run
from ganzoo.composition.helping import FIRST, THEN, help_of
from ganzoo.composition.left_out import with_left_out
from ganzoo.composition.overrides import hydra_overrides
from ganzoo.configs import config_directory


def typed(monkeypatch, capsys, *words, config="config"):
    monkeypatch.setattr(sys, "argv", ["train", *words])
    run(lambda config: None, config)
    return capsys.readouterr().out


def test_one_screen(monkeypatch, capsys):
    said = typed(monkeypatch, capsys, "--help")
    lines = said.splitlines()
    assert len(lines) <= 40 and max(map(len, lines)) <= 100
    for group in FIRST:
        assert any(line.startswith(f"{group} ") for line in lines)
        assert all(choice in said for choice in group_choices(group))
    assert all(group in said for group in THEN)
    assert typed(monkeypatch, capsys, "-h") == said


def test_the_groups_that_are_named_are_all_there_are():
    outer = {group for group in all_groups() if "/" not in group}
    assert outer == {*FIRST, *THEN, "sweep"}


def test_the_examples_are_commands_that_work():
    lines = help_of("config").splitlines()
    examples = [line for line in lines if line.startswith("  python") and "..." not in line]
    assert len(examples) == 5
    for line in examples:
        words = [word.strip('"') for word in line.split()[3:] if word != "-m"]
        mended = with_left_out(hydra_overrides(words, [config_directory()]))
        alone = [f"{key}={value.split(',')[0]}" if "[" not in value else f"{key}={value}"
                 for key, _, value in (word.partition("=") for word in mended)]  # fmt: skip
        compose_config(alone)


def test_all_groups_and_choices(monkeypatch, capsys):
    said = typed(monkeypatch, capsys, "--help=groups")
    for group in all_groups():
        assert all(choice in said for choice in group_choices(group))
    for place in ("optimizer.ema", "network.generator_normalization", "metrics.features"):
        assert f"\n{place}\n" in said
    assert max(map(len, said.splitlines())) <= 100


@pytest.mark.parametrize(
    ("config", "setting"),
    [
        ("evaluate", "checkpoint"),
        ("sample", "checkpoint"),
        ("project", "checkpoint"),
        ("import_weights", "output"),
    ],
)
def test_other_commands_show_their_settings(monkeypatch, capsys, config, setting):
    said = typed(monkeypatch, capsys, "--help", config=config)
    assert f"{setting}: " in said and f"python -m ganzoo.{config}" in said
    assert "hydra" not in said and len(said.splitlines()) <= 40


def test_there_is_no_other_page(monkeypatch, capsys):
    with pytest.raises(SystemExit):
        typed(monkeypatch, capsys, "--help=me")
    assert "write --help or --help=groups" in capsys.readouterr().err
