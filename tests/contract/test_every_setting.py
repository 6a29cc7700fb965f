"""Every setting of the default config refuses a wrong kind and a wrong value, in one line."""

import copy
import logging
import os
from pathlib import Path

import pytest
from omegaconf import DictConfig, OmegaConf, open_dict

import ganzoo
from ganzoo.composition.compose import all_groups, group_choices, groups
from ganzoo.composition.explain import explain
from ganzoo.composition.left_out import with_left_out
from ganzoo.composition.overrides import group_at, hydra_overrides
from ganzoo.composition.settings import check_settings
from ganzoo.composition.suggestions import suggest_choice, suggest_setting
from ganzoo.configs import config_directory
from ganzoo.errors import InputError
from ganzoo.train import _build

FOLDERS = [config_directory()]
SMALL = ["network.generator.width=4"]
ANY_TEXT = {
    "cache_dir": "a folder",
    "checkpoint": "a path, looked for before anything is built",
    "latest": "a path",
    "run_dir": "a folder",
    "run_name": "a name",
    "sweep_name": "a name",
    "transfer": "a path, looked for before anything is built",
}
"""Settings of which any text is right, and why."""


def settings(node, prefix=""):
    """Names and values of what is written in a config, not of what follows from it."""
    for key in map(str, node):
        if OmegaConf.is_interpolation(node, key):
            continue
        name, value = f"{prefix}{key}", node[key]
        if isinstance(value, DictConfig) and len(value):
            yield from settings(value, f"{name}.")
        elif not (name in groups() or group_at(name, FOLDERS) or isinstance(value, DictConfig)):
            yield name, value


def refusal(base, name, value):
    """What a run says of a value, before anything is written; None where it takes it."""
    config = copy.deepcopy(base)
    with open_dict(config):
        OmegaConf.update(config, name, value, merge=False)
    overrides = [f"{name}={value}"]
    try:
        check_settings(config, overrides)
        _build(config).model.configure_optimizers()
    except Exception as error:
        return explain(error, overrides) or f"a stack trace: {error!r}"
    return None


def unclear(line, name, value):
    """What is wrong with a refusal."""
    if line is None:
        return "accepted"
    short = len(line) < 300 and "\n" not in line and "stack trace" not in line
    named = name.rpartition(".")[2] in line or str(value) in line
    return None if short and named else line


@pytest.fixture(scope="module")
def base(as_composed, tmp_path_factory):
    logging.getLogger("ganzoo").setLevel(logging.ERROR)
    folder = tmp_path_factory.mktemp("runs") / "run"
    before = Path.cwd()
    os.chdir(folder.parent)
    yield as_composed(SMALL, folder)
    os.chdir(before)
    logging.getLogger("ganzoo").setLevel(logging.NOTSET)
    assert list(folder.parent.iterdir()) == [], "something was left behind"


def of_another_kind(value):
    return 3.7 if isinstance(value, str) else "abc"


def out_of_range(value):
    return "no.such" if isinstance(value, str) else -7


@pytest.mark.parametrize("wrong", [of_another_kind, out_of_range])
def test_every_setting(base, wrong):
    names = dict(settings(base))
    assert len(names) > 100
    said = {
        f"{name}={wrong(value)}": unclear(refusal(base, name, wrong(value)), name, wrong(value))
        for name, value in names.items()
        if name not in ANY_TEXT
    }
    assert {name: line for name, line in said.items() if line} == {}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["model=vae", "loss=hinge"], "model=vae has no loss: leave out loss=hinge"),
        (["model=vae", "augment=shift"], "model=vae has no augment"),
        (["model=vae", "network.discriminator=mlp"], "model=vae has no network.discriminator"),
        (["model=gan", "network.encoder=mlp"], "model=gan has no network.encoder"),
        (["model=gan", "network.conditioning=embedding"], "model=gan has no network.conditioning"),
        (["model=vae", "optimizer=adam_two_time_scale"], "optimizer.discriminator is of no player"),
        (["model=gan", "optimizer.encoder.lr=1"], "optimizer.encoder is of no player"),
        (["optimizer.discriminator.lrr=1"], "unknown setting 'optimizer.discriminator.lrr'"),
        (["optimizer.discriminator.lr=abc"], "optimizer.discriminator.lr must be a number"),
        (["trainer.max_epoch=1"], "did you mean 'trainer.max_epochs'"),
    ],
)
def test_what_nothing_in_a_run_uses_is_refused(as_composed, tmp_path, words, said):
    mended = with_left_out(hydra_overrides(words, FOLDERS))
    with pytest.raises(Exception) as caught:
        check_settings(as_composed(words, tmp_path / "run"), mended)
    assert said in explain(caught.value, words)


@pytest.mark.parametrize(
    "words",
    [
        ["model=vae", "loss=hinge"],
        ["model=gan", "network.encoder=mlp"],
        ["model=gan", "optimizer.encoder.lr=1"],
    ],
)
def test_nor_in_python(words):
    with pytest.raises(InputError, match="has no|is of no player"):
        ganzoo.create_model(words[0][6:], dataset="ring", overrides=words[1:])


def test_one_number_for_all_players_and_another_for_one(as_composed, tmp_path):
    words = ["model=bigan", "dataset=ring", "optimizer.lr=0.5", "optimizer.encoder.lr=0.25"]
    config = as_composed([*words, "optimizer.discriminator.betas=[0.0,0.5]"], tmp_path / "run")
    made = _build(config).model.configure_optimizers()[0]
    found = [(one.defaults["lr"], one.defaults["betas"]) for one in made]
    assert sorted(found) == [(0.25, (0.5, 0.999)), (0.5, (0.0, 0.5)), (0.5, (0.5, 0.999))]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("+foo=1", "nothing uses the setting 'foo'"),
        ("+foo.bar=1", "nothing uses the setting 'foo.bar'"),
        ("+dataset.foo=1", "nothing uses the setting 'dataset.foo'"),
        ("+callbacks.foo=1", "nothing uses the setting 'callbacks.foo'"),
        ("+optimizer.generatr.lr=1", "is of no player: did you mean 'generator'?"),
        ("+model.foo=1", "model: AdversarialModule has no setting 'foo'"),
        ("~seed", "~seed takes away what is needed"),
        ("++foo=1", "nothing uses the setting 'foo'"),
        ("seed=4294967296", "seed must be a whole number from 0 to 4294967295"),
        ("seed=1.5", "seed must be a whole number"),
        ("trainer.max_steps=many", "trainer.max_steps must be a number, such as 5000, not 'many'"),
        (
            "loss._target_=ganzoo.losses.hinge.Hing",
            "losses.hinge has no 'Hing', did you mean 'Hinge'",
        ),
        ("loss._target_=ganzoo.loses.Hinge", "ganzoo has no 'loses', did you mean 'losses'?"),
        ("loss._target_=mine.Loss", "there is no module 'mine' in the current folder or installed"),
        ("optimizer._target_=torch.optim.Adm", "torch.optim has no 'Adm', did you mean"),
    ],
)
def test_other_words(as_composed, tmp_path, monkeypatch, word, said):
    monkeypatch.chdir(tmp_path)
    config = as_composed([*SMALL, word], tmp_path / "run")
    with pytest.raises(Exception) as caught:
        check_settings(config, [*SMALL, word])
        _build(config)
    line = explain(caught.value, [])
    assert said in line and len(line) < 300
    assert list(tmp_path.iterdir()) == []


def test_a_whole_number_in_scientific_notation(as_composed, tmp_path):
    config = as_composed(["trainer.max_steps=1e4"], tmp_path / "run")
    check_settings(config, ["trainer.max_steps=1e4"])
    assert config.trainer.max_steps == 10_000 and isinstance(config.trainer.max_steps, int)


def test_every_group_mistyped():
    for group in all_groups():
        choice = group_choices(group)[0]
        assert suggest_choice(group, f"{choice}q") == f"did you mean '{choice}'?"
    for group in set(groups()) - {"hydra", "projection", "theory"}:
        assert group in suggest_setting(f"{group}q")
