"""A composed job in few lines holds what Hydra's many hold."""

import sys

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from ganzoo.composition.compose import compose_config, group_choices
from ganzoo.composition.entry import run
from ganzoo.composition.printing import compact_yaml


@pytest.fixture
def shown(monkeypatch, capsys):
    """Type a command line; return what it printed."""

    def show(*words):
        monkeypatch.setattr(sys, "argv", ["train", *words])
        run(lambda config: None, "config")
        return capsys.readouterr().out

    return show


def test_the_default_job_is_short(shown):
    said = shown("--cfg", "job")
    assert len(said.splitlines()) <= 150
    assert max(map(len, said.splitlines())) <= 100
    assert yaml.safe_load(said) == yaml.safe_load(OmegaConf.to_yaml(compose_config([])))


@pytest.mark.parametrize("model", group_choices("model"))
def test_nothing_is_lost(model):
    text = OmegaConf.to_yaml(compose_config([f"model={model}"]))
    assert yaml.safe_load(compact_yaml(text)) == yaml.safe_load(text)
    assert len(compact_yaml(text).splitlines()) < 0.75 * len(text.splitlines())


def test_a_part_of_a_job(shown):
    first, *rest = shown("--cfg", "job", "-p", "optimizer").splitlines()
    assert first == "# @package optimizer" and rest[0] == "_target_: torch.optim.Adam"
    assert "ema: null" in shown("--cfg", "job", "-p", "optimizer", "optimizer.ema=none")


WORDS = st.text(st.sampled_from("ab1{}[]:,#'\" -$.\n"), max_size=6)
KEYS = st.from_regex("[a-z_]{1,6}", fullmatch=True)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS
TREES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from("abc"), TREES))
def test_any_values(content):
    text = yaml.safe_dump(content, allow_unicode=True)
    assert yaml.safe_load(compact_yaml(text)) == yaml.safe_load(text)
