"""Searches: with fakes in place of what composes and runs, and once as on the command line."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import OmegaConf, open_dict

from ganzoo.composition.entry import run
from ganzoo.composition.search import Search
from ganzoo.composition.session import check_swept
from ganzoo.configs import config_directory
from ganzoo.errors import InputError

optuna = pytest.importorskip("optuna", minversion="4")

QUICK = ["model=gan", "dataset=ring", "metrics.evaluator.samples=16"]
GENERATOR, DISCRIMINATOR = "optimizer.lr", "optimizer.discriminator.lr"
LINE = {GENERATOR: "tag(log, interval(1e-5, 1e-2))"}
PLANE = {**LINE, DISCRIMINATOR: "tag(log, interval(1e-5, 1e-2))"}


@pytest.fixture(scope="module")
def composed():
    with initialize_config_dir(version_base="1.3", config_dir=str(config_directory())):
        return compose("config", ["sweep=optuna", *QUICK], return_hydra_config=True)


@pytest.fixture
def search(composed, tmp_path):
    """Search with a task, which is given a run's settings; settings of a run by their names."""

    def call(task, *arguments, run_settings=(), **settings):
        config = composed.copy()
        with open_dict(config):
            config.hydra.sweep.dir = str(tmp_path / "search")
            for name, value in run_settings:
                OmegaConf.update(config, name, value, merge=False)

        def launch(jobs, initial_job_idx):
            (overrides,) = jobs
            folder = tmp_path / "search" / str(initial_job_idx)
            runtime = SimpleNamespace(runtime=SimpleNamespace(output_dir=str(folder)))
            found = task(dict(override.split("=") for override in overrides))
            return [SimpleNamespace(return_value=found, hydra_cfg=SimpleNamespace(hydra=runtime))]

        given = {name: value for name, value in config.hydra.sweeper.items() if name[0] != "_"}
        loader = SimpleNamespace(load_sweep_config=lambda master, overrides: config)
        given |= {"params": LINE, "storage": None, **settings}
        Search(config=config, loader=loader, launcher=SimpleNamespace(launch=launch), **given).run(
            list(arguments)
        )
        return OmegaConf.load(tmp_path / "search" / "optimization_results.yaml")

    return call


class Recorder:
    """A task that remembers the learning rates it was given, and may be killed."""

    def __init__(self, killed_at=None):
        self.rates, self._killed_at = [], killed_at

    def __call__(self, settings):
        if len(self.rates) == self._killed_at:
            sys.exit(137)
        self.rates.append(float(settings[GENERATOR]))
        return abs(self.rates[-1] - 1e-3)


def test_a_search_leaves_its_best_settings_and_goes_on_where_it_was_killed(
    search, tmp_path, capsys
):
    storage = {"storage": f"sqlite:///{tmp_path}/study.db", "study_name": "mine"}
    first, second = Recorder(killed_at=3), Recorder()
    with pytest.raises(SystemExit):
        search(first, "sweep=optuna", "dataset=ring", n_trials=5, **storage)
    found = search(second, "sweep=optuna", "dataset=ring", n_trials=5, **storage)
    study = optuna.load_study(study_name="mine", storage=storage["storage"])
    rates = first.rates + second.rates
    assert len(first.rates) == 3 and len(second.rates) == 2
    assert len(set(rates)) == 5  # random numbers do not come again
    assert all(1e-5 <= rate <= 1e-2 for rate in rates)
    ended = study.get_trials(states=(optuna.trial.TrialState.COMPLETE,))
    assert [trial.params[GENERATOR] for trial in ended] == rates
    assert study.trials[3].state.name == "FAIL"
    assert study.trials[3].params[GENERATOR] == second.rates[0]  # what was killed comes first
    best = min(rates, key=lambda rate: abs(rate - 1e-3))
    assert found.best_params[GENERATOR] == best and found.best_value == abs(best - 1e-3)
    assert list(found.overrides) == ["dataset=ring", f"{GENERATOR}={best}"]  # without sweep=
    assert f"settings    {GENERATOR}={best}" in capsys.readouterr().out

    again = Recorder()
    search(again, "sweep=optuna", "dataset=ring", n_trials=5, **storage)
    assert not again.rates and "all 5 trials have ended" in capsys.readouterr().out
    for words, settings, said in [
        (["sweep=optuna", "dataset=grid"], {}, "other settings"),
        (
            ["sweep=optuna", "dataset=ring"],
            {"params": {GENERATOR: "interval(0, 1)"}},
            "other space",
        ),
        (["sweep=optuna", "dataset=ring"], {"direction": "maximize"}, "other direction"),
    ]:
        with pytest.raises(InputError, match=f"'mine' was begun with {said}"):
            search(again, *words, **{"n_trials": 6, **storage, **settings})
    assert not again.rates


def test_runs_that_fail_or_give_no_number_are_failed_trials(search, tmp_path):
    results = iter([float("nan"), float("inf"), 2.0, 3.0])
    storage = f"sqlite:///{tmp_path}/study.db"
    found = search(
        lambda settings: next(results),
        n_trials=4, direction="maximize", storage=storage, study_name="mine",
    )  # fmt: skip
    assert (found.best_value, found.best_trial) == (3.0, 3)
    trials = optuna.load_study(study_name="mine", storage=storage).trials
    assert [trial.state.name for trial in trials] == ["FAIL", "FAIL", "COMPLETE", "COMPLETE"]


def test_a_search_whose_trials_all_fail_gives_up(search, capsys):
    with pytest.raises(InputError, match="no trial gave a number for the objective metrics/"):
        search(lambda settings: float("nan"), max_failures=2)
    assert "the search ends: 2 trials in a row failed" in capsys.readouterr().out


GRID = OmegaConf.create({"_target_": "optuna.samplers.BruteForceSampler", "seed": 0})


def test_a_grid_is_searched_once_and_the_command_line_wins_over_params(search):
    seen = []

    def task(settings):
        seen.append((settings["+new"], settings["loss"], settings["n"]))
        return 0.0

    params = {"loss": "choice(a, b)", "+new": 7, GENERATOR: "interval(0, 1)"}
    words = ["+new=1,2", "n=range(2,8,3)", f"{GENERATOR}=1"]
    search(task, *words, params=params, sampler=GRID)
    assert len(seen) == 8
    assert set(seen) == {(new, loss, n) for new in "12" for loss in "ab" for n in "25"}


@pytest.mark.parametrize("sampler", ["RandomSampler", "CmaEsSampler"])
def test_other_samplers(search, sampler):
    task = Recorder()
    described = OmegaConf.create({"_target_": f"optuna.samplers.{sampler}", "seed": 0})
    search(task, params=PLANE, n_trials=6, sampler=described)
    assert len(set(task.rates)) == 6


@pytest.mark.parametrize(
    ("settings", "arguments", "said"),
    [
        ({"direction": "down"}, [], "direction must be minimize or maximize, not 'down'"),
        ({"direction": None}, [], "direction must be minimize or maximize, not None"),
        ({}, [f"{GENERATOR}=1e-3"], "there is nothing to search"),
        ({}, [f"{GENERATOR}=interval(1,0)"], "cannot search optimizer.lr=interval"),
        ({}, [f"{GENERATOR}=tag(log,interval(0,1))"], "cannot search optimizer.lr=tag"),
        ({}, [f"{GENERATOR}=range(1,1)"], "the range is empty"),
        ({"n_trials": 0}, [], "n_trials must be a whole number from 1 up, not 0"),
        ({"max_failures": 0}, [], "max_failures must be a whole number from 1 up, not 0"),
        ({"sampler": GRID}, [], "the sampler cannot search this"),
        ({"storage": "nodatabase://x"}, [], "cannot open the storage nodatabase://x"),
        ({"run_settings": [("objective", "metrics/wassersten")]}, [], "did you mean 'metrics/was"),
        ({"run_settings": [("objective", "generattor/loss")]}, [], "generattor/loss is not measur"),
        ({"run_settings": [("objective", None)]}, [], "the objective None is not measured"),
        (
            {"run_settings": [("metrics.evaluator.metrics", {})]},
            [],
            "is not measured: choose metrics=...",
        ),
        ({"run_settings": [("callbacks", {})]}, [], "is not measured: choose metrics=..."),
        (
            {"run_settings": [("network.latent.latent_dim", -1)]},
            [],
            "latent_dim must be a whole number",
        ),
    ],
)  # fmt: skip
def test_what_can_be_known_is_refused_before_the_first_run(
    search, tmp_path, settings, arguments, said
):
    with pytest.raises(InputError) as refusal:
        search(lambda given: pytest.fail("a run was begun"), *arguments, **settings)
    line = str(refusal.value)
    assert said in line and len(line) < 300 and "\n" not in line
    assert not list(tmp_path.iterdir())


def test_an_objective_that_no_run_measured_ends_the_search_in_one_line(search, tmp_path):
    def task(settings):
        (tmp_path / "search" / "0").mkdir(parents=True)
        summary = json.dumps({"values": {"generator/loss": 1.0}})
        (tmp_path / "search" / "0" / "summary.json").write_text(summary)

    objective = [("objective", "generator/los")]
    with pytest.raises(InputError, match=r"measured no generator/los: did you mean 'generator/los"):
        search(task, run_settings=objective, objective="generator/los")


@pytest.mark.parametrize("version", [None, "2.10.1"])
def test_without_optuna_or_with_an_old_one_a_line_says_what_to_install(
    search, monkeypatch, version
):
    if version is None:
        monkeypatch.setitem(sys.modules, "optuna", None)
    else:
        monkeypatch.setattr(optuna, "__version__", version)
    with pytest.raises(InputError, match=r"pip install 'lightning-ganzoo\[optuna\]'"):
        search(lambda settings: 0.0)


def test_a_kind_of_sweep_without_several_runs_is_refused(monkeypatch):
    monkeypatch.setattr(HydraConfig.instance(), "cfg", OmegaConf.create({"hydra": {"mode": None}}))
    monkeypatch.setattr(HydraConfig.instance().cfg.hydra, "mode", RunMode.RUN)
    with pytest.raises(InputError, match="sweep=optuna is for several runs: start them with -m"):
        check_swept("optuna")
    check_swept("none")


def test_the_command_line_searches_in_a_folder_of_its_own(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(HydraConfig.instance(), "cfg", HydraConfig.instance().cfg)
    words = ["-m", "sweep=optuna", *QUICK, "hydra.sweeper.n_trials=1", "sweep/sampler=random"]
    monkeypatch.setattr(sys, "argv", ["ganzoo", *words, f"{DISCRIMINATOR}=1,2"])
    monkeypatch.setattr(GlobalHydra.instance(), "hydra", None)
    run(lambda config: float(config.optimizer.discriminator.lr), "config")
    found = OmegaConf.load(Path("runs/sweeps/gan-ring/optimization_results.yaml"))
    assert found.best_value == found.best_params[DISCRIMINATOR]
    assert set(found.best_params) == {GENERATOR, DISCRIMINATOR}
    monkeypatch.setattr(sys, "argv", ["ganzoo", *words, "optimizer.lrr=interval(0,1)"])
    capsys.readouterr()
    with pytest.raises(SystemExit):
        run(lambda config: 0.0, "config")
    assert "unknown setting 'optimizer.lrr'" in capsys.readouterr().err
