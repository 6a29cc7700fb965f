"""Each kind of wrong input on the command line gets one line that mends it."""

import sys

import pytest
from hydra.errors import MissingConfigException

from ganzoo.composition.entry import run
from ganzoo.composition.explain import explain


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
        (["dataset=cifar"], "unknown dataset 'cifar': did you mean 'cifar10'"),
        (["dataset=zzz"], "unknown dataset 'zzz': choose from"),
        (["penalty=[r1,r3]"], "unknown penalty 'r3': choose from approximate_r1,"),
        (["modle=gan"], "unknown setting 'modle': did you mean 'model'"),
        (
            ["model=wgan", "model.clip_valeu=3"],
            "unknown setting 'model.clip_valeu': did you mean 'model.clip_value'",
        ),
        (["model.discriminator_stpes=3"], "did you mean 'model.discriminator_steps'"),
        (["normalization@discriminatr=batch"], "unknown setting 'normalization@discriminatr'"),
        (["~penlty"], "unknown setting 'penlty'"),
        (["gan"], "cannot read 'gan' (missing EQUAL at '<EOF>'): write setting=value"),
    ],
)
def test_wrong_settings(monkeypatch, capsys, tmp_path, words, message):
    code, said = typed(monkeypatch, capsys, tmp_path, *words)
    assert code == 1
    assert said.startswith("ganzoo: ")
    assert message in said
    assert len(said.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_missing_setting(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["sample", "output=here"])
    with pytest.raises(SystemExit):
        run(lambda config: config.checkpoint, "sample")
    assert capsys.readouterr().err == "ganzoo: checkpoint must be given: add checkpoint=...\n"


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
