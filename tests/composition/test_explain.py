"""Each kind of wrong input on the command line gets one line that mends it."""

import os
import re
import sys

import pytest
from hydra.errors import MissingConfigException

import ganzoo
from ganzoo.composition.entry import run
from ganzoo.composition.explain import explain
from ganzoo.composition.overrides import overrides_of_this_run
from ganzoo.configs import config_directory
from ganzoo.errors import InputError


def typed(monkeypatch, capsys, tmp_path, *words, config="config"):
    """Type a command line; return the exit code and what came on standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    monkeypatch.setattr(sys, "argv", ["train", *words])
    with pytest.raises(SystemExit) as stop:
        run(lambda config: None, config)
    return stop.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["model=wgna"], "unknown model 'wgna': did you mean 'wgan'"),
        (["loss=hing"], "unknown loss 'hing': did you mean 'hinge'?"),
        (["dataset=cifar"], "unknown dataset 'cifar': did you mean 'dataset=cifar10' or"),
        (["dataset=zzz"], "unknown dataset 'zzz': choose from"),
        (["penalty=[r1,r3]"], "unknown penalty 'r3': choose from approximate_r1,"),
        (["modle=gan"], "unknown setting 'modle': did you mean 'model'"),
        (
            ["model=wgan", "model.clip_valeu=3"],
            "unknown setting 'model.clip_valeu': did you mean 'model.clip_value'",
        ),
        (["model.discriminator_stpes=3"], "did you mean 'model.discriminator_steps'"),
        (["network.x.normalization=batch"], "unknown setting 'network.x.normalization'"),
        (["~penlty"], "unknown setting 'penlty': did you mean 'penalty'?"),
        (["lr=1e-3"], "unknown setting 'lr': did you mean 'optimizer.lr'?"),
        (["seed=0,1,2"], "add -m for a run with each of them, or write 'seed=\"0,1,2\"'"),
        (["model=gan,wgan"], "add -m for a run with each of them, or write 'model=[gan,wgan]'"),
        (["-m", "model=gan,wgna"], "unknown model 'wgna': did you mean 'wgan'"),
        (["-m", "network.encoder=mlp,mpl"], "unknown network.encoder 'mpl': did you mean 'mlp'?"),
        (["-m", "seed=0,1", "lrr=2"], "unknown setting 'lrr'"),
        (["model=gan", "-m", "seed=0,1", "lrr=2"], "unknown setting 'lrr'"),
        (["logger=false", "optimizer.ema=null", "modle=gan"], "did you mean 'model'?"),
        (["loss=null"], "loss must be chosen: loss=NAME, with one of boundary_equilibrium"),
        (["dataset.root=a{b"], "'dataset.root': it belongs to dataset=image_folder"),
        (["--cfg", "foo"], "--cfg/-c: invalid choice: 'foo'"),
        (["--colour"], "unrecognized arguments: --colour; --help lists the options"),
        (["--config-name", "foo"], "Cannot find primary config 'foo'"),
        (["--config-dir", "nowhere"], "nowhere' not found"),
        (["hydra.run.dir=/proc/x"], "/proc/x: No such file or directory"),
        (["gan"], "cannot read 'gan': write setting=value"),
    ],
)
def test_wrong_settings(monkeypatch, capsys, tmp_path, words, message):
    code, said = typed(monkeypatch, capsys, tmp_path, *words)
    assert code == 1
    assert said.startswith("ganzoo: ")
    assert message in said
    assert len(said.strip().splitlines()) == 1 and len(said) < 300
    assert list(tmp_path.iterdir()) == []


OPTIONAL = {"network.discriminator": ("patchgn", "patchgan"), "network.encoder": ("dcgn", "dcgan")}


def test_all_optional_entries_are_tried_here():
    text = (config_directory() / "config.yaml").read_text()
    assert set(re.findall(r"- optional (\S+):", text)) == {n.replace(".", "/") for n in OPTIONAL}
    others = (path.read_text() for path in config_directory().rglob("*/*.yaml"))
    assert not [text for text in others if re.search(r"^\s*- (override )?optional ", text, re.M)]


@pytest.mark.parametrize("name", OPTIONAL)
@pytest.mark.parametrize("words", [[], ["--cfg", "job"]])
def test_a_misspelt_choice_of_an_optional_entry(monkeypatch, capsys, tmp_path, name, words):
    """Hydra passes over it, and the run went on with whatever there was."""
    written, meant = OPTIONAL[name]
    code, said = typed(monkeypatch, capsys, tmp_path, f"{name}={written}", *words)
    assert (code, said) == (1, f"ganzoo: unknown {name} '{written}': did you mean '{meant}'?\n")
    with pytest.raises(InputError, match=f"unknown {name} '{written}'"):
        ganzoo.create_model("bigan", dataset="ring", overrides=[f"{name}={written}"])


def test_a_misspelt_choice_in_a_config_of_ones_own(monkeypatch, capsys, tmp_path):
    own = tmp_path / "own" / "experiment" / "mine.yaml"
    own.parent.mkdir(parents=True)
    entry = "defaults:\n  - override /network/discriminator: patchgn\n"
    own.write_text(f"# @package _global_\n{entry}")
    words = ["--config-dir", str(tmp_path / "own"), "experiment=mine", "--cfg", "job"]
    code, said = typed(monkeypatch, capsys, tmp_path, *words)
    assert code == 1 and "unknown network.discriminator 'patchgn': did you mean" in said


def test_a_network_of_ones_own_needs_no_file_for_its_discriminator(monkeypatch, capsys, tmp_path):
    own = tmp_path / "own" / "network" / "mine.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("generator: null\ndiscriminator: null\n")
    monkeypatch.chdir(tmp_path)
    words = ["--config-dir", str(tmp_path / "own"), "network=mine", "--cfg", "job"]
    monkeypatch.setattr(sys, "argv", ["train", *words])
    run(lambda config: None, "config")
    assert "generator: null, discriminator: null" in capsys.readouterr().out


def test_a_missing_setting(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["sample", "output=here"])
    with pytest.raises(SystemExit):
        run(lambda config: config.checkpoint, "sample")
    assert capsys.readouterr().err == "ganzoo: checkpoint must be given: add checkpoint=...\n"


def test_the_library_says_its_own_version(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train", "--version"])
    run(lambda config: None, "config")
    assert capsys.readouterr().out == f"ganzoo {ganzoo.__version__}\n"


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt, 130), (BrokenPipeError, 141)])
def test_an_interrupted_or_unread_command_ends_quietly(monkeypatch, capfd, tmp_path, error, code):
    def stopped(config):
        raise error

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["train", f"hydra.run.dir={tmp_path}/x"])
    monkeypatch.setattr(os, "dup2", lambda *_: None)
    with pytest.raises(SystemExit) as stop:
        run(stopped, "config")
    assert stop.value.code == code
    assert capfd.readouterr().err == ""


def test_an_interpolation_in_an_override_is_of_the_config(monkeypatch, tmp_path):
    seen = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["train", "seed=${trainer.max_steps}"])
    run(lambda config: seen.append((config.seed, overrides_of_this_run())), "config")
    assert seen == [(5000, ["seed=${trainer.max_steps}"])]


def test_the_stack_trace_is_there_when_asked_for(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    monkeypatch.setattr(sys, "argv", ["train", "model=wgna"])
    with pytest.raises(Exception, match="Could not find 'model/wgna'"):
        run(lambda config: None, "config")


def test_a_fault_of_the_library_keeps_its_stack_trace(monkeypatch, tmp_path):
    def faulty(config):
        raise AssertionError("a fault")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["train", f"hydra.run.dir={tmp_path}/x"])
    with pytest.raises(AssertionError, match="a fault"):
        run(faulty, "config")


def test_sweeps_without_slurm_or_its_launcher_get_a_line():
    missing = MissingConfigException(
        "Could not find it", missing_cfg_file="hydra/launcher/submitit_slurm", options=["basic"]
    )
    assert "pip install 'lightning-ganzoo[slurm]'" in explain(missing, [])
    absent = RuntimeError('Could not detect "srun", are you indeed on a slurm cluster?')
    assert "there is no SLURM here" in explain(absent, [])
    assert explain(RuntimeError("something else"), []) is None
