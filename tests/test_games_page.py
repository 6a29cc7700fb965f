"""The Python of docs/games.md runs, and plays what it says."""

import re

import torch

from ganzoo.configs import config_directory

PAGE = config_directory().parent / "docs" / "games.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.M | re.S)


def run(block):
    torch.manual_seed(0)
    names = {}
    exec(compile(block, str(PAGE), "exec"), names)
    return names


def test_a_game_of_three_players_on_dictionaries_is_one_short_file_and_learns(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    names = run(BLOCKS[0])
    assert len(BLOCKS[0].splitlines()) < 80
    model, made = names["model"], names["made"].detach()
    off = (made - 2 * names["directions"]).norm(dim=1)
    assert off.mean() < 0.1
    assert {"reader/error", "discriminator/r1", "generator/error"} < model.latest_terms.keys()
    assert model.latest_terms["reader/error"] < 0.05
    assert model.trainer.global_step == 12 * 4096 // 128


def test_a_game_without_lightning_comes_to_its_equilibrium():
    names = run(BLOCKS[1])
    assert max(abs(names[name].weight.item()) for name in "xy") < 1e-2
