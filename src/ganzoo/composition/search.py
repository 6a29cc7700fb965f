"""A search for the settings that make an objective best, with Optuna."""

import importlib
import json
import logging
import math
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import setup_globals
from omegaconf import DictConfig, OmegaConf

from ganzoo.composition.compose import build
from ganzoo.composition.explain import LONGEST_MESSAGE
from ganzoo.composition.folder import SUMMARY
from ganzoo.composition.left_out import as_written, with_left_out
from ganzoo.composition.objective import check_direction, check_measured
from ganzoo.composition.overrides import hydra_overrides
from ganzoo.composition.search_space import SearchSpace
from ganzoo.composition.study import Study
from ganzoo.configs import config_directory
from ganzoo.errors import InputError, check_whole, nearest

OLDEST = 4
"""The oldest major version of Optuna that is known to work."""


class Search:
    """Runs one after another, each with the settings that a sampler of Optuna asks for.

    Everything that can be known before the first run is checked before anything is written. A run
    that fails, or whose objective is not a number, is a failed trial, and the search goes on.
    The trials are kept in a storage: the same command goes on with them after a kill, and several
    processes that run the same command share them.

    Args:
        config: The composed config of the sweep.
        launcher: Hydra's, which runs.
        loader: Hydra's, which composes.
        objective: Name of the value to make best.
        direction: ``"minimize"`` or ``"maximize"``.
        study_name: Name in the storage.
        storage: Of ``optuna.create_study``: a URL, what describes an object, or None.
        sampler: Describes a sampler; where it has a seed, each trial is sampled with a seed made
            of it and of the number of trials before, so that a search that goes on does not
            repeat its random numbers.
        n_trials: Trials of the whole search, at least 1.
        max_failures: Failed trials in a row that end it, at least 1; None for any number.
        params: What is searched, in Hydra's grammar, by the setting's name.
    """

    def __init__(
        self,
        *,
        config: DictConfig,
        launcher: Any,
        loader: Any,
        objective: str | None,
        direction: str | None,
        study_name: str,
        storage: Any,
        sampler: DictConfig,
        n_trials: int,
        max_failures: int | None,
        params: Mapping[str, Any] | None,
    ) -> None:
        self._config, self._launcher, self._loader = config, launcher, loader
        self._objective, self._direction = objective, direction
        self._study_name, self._storage, self._sampler = study_name, storage, sampler
        self._n_trials, self._max_failures = n_trials, max_failures
        given = [f"{name}={value}" for name, value in dict(params or {}).items()]
        self._params = with_left_out(hydra_overrides(given, [config_directory()]))

    def run(self, arguments: Sequence[str]) -> None:
        """Search, and write and print what was found.

        Args:
            arguments: The command line's overrides; they win over ``params``.

        Raises:
            InputError: if a setting does not exist or is wrong, the objective is not measured,
                the storage holds another search, or no run was successful.
        """
        optuna = _optuna()
        words = [*self._params, *with_left_out(arguments)]
        space = SearchSpace.read(optuna, words, self._loader)
        self._check(space)
        self._try_sampler(optuna, space)
        study = self._open(optuna, space)
        study.take_back_dead_trials()
        OmegaConf.save(self._config, self._folder / "multirun.yaml")
        self._search(study, space)
        self._finish(study, space)

    @property
    def _folder(self) -> Path:
        return Path(self._config.hydra.sweep.dir)

    def _check(self, space: SearchSpace) -> None:
        check_whole(n_trials=self._n_trials)
        if self._max_failures is not None:
            check_whole(max_failures=self._max_failures)
        check_direction(self._direction)
        if not space.distributions:
            raise InputError(
                "there is nothing to search: give a setting a range, such as "
                "'optimizer.lr=tag(log,interval(1e-5,1e-2))'"
            )
        setup_globals()
        for example in space.examples():
            config = self._loader.load_sweep_config(self._config, space.overrides(example))
        before = HydraConfig.instance().cfg
        try:
            HydraConfig.instance().set_config(config)
            check_measured(config)
        finally:
            HydraConfig.instance().cfg = before

    def _open(self, optuna: ModuleType, space: SearchSpace) -> Study:
        known = {
            "objective": str(self._objective),
            "direction": str(self._direction),
            "space": space.described(optuna),
            "settings": sorted(space.fixed.values()),
        }
        return Study.open(
            optuna,
            storage=build(self._storage) if OmegaConf.is_config(self._storage) else self._storage,
            name=str(self._study_name),
            folder=self._folder,
            about=known,
        )

    def _search(self, study: Study, space: SearchSpace) -> None:
        if study.ended >= self._n_trials or study.exhausted:
            print(f"all {study.ended} trials have ended: more need a larger hydra.sweeper.n_trials")
        logging.getLogger(type(self._launcher).__module__).setLevel(logging.WARNING)
        failures = 0
        while study.ended < self._n_trials and not study.exhausted:
            number, values = study.ask(self._sampler_after(study.asked), space.distributions)
            chosen = " ".join(as_written(f"{name}={value}") for name, value in values.items())
            print(
                f"trial       {number}, {study.ended + 1} of {self._n_trials}: {chosen}", flush=True
            )
            value = self._play(number, space.overrides(values))
            study.tell(number, value)
            print(f"trial       {number}: {self._said(value)}", flush=True)
            failures = 0 if value is not None else failures + 1
            if failures == self._max_failures:
                print(f"the search ends: {failures} trials in a row failed")
                return

    def _said(self, value: float | None) -> str:
        return "failed" if value is None else f"{self._objective} {value:.6g}"

    def _sampler_after(self, trials: int) -> Any:
        seed = self._sampler.get("seed")
        if seed is None:
            return build(self._sampler)
        check_whole(0, seed=seed)
        mixed = np.random.SeedSequence([seed, trials]).generate_state(1)
        return build(self._sampler, seed=int(mixed[0]))

    def _try_sampler(self, optuna: ModuleType, space: SearchSpace) -> None:
        try:
            optuna.create_study(sampler=self._sampler_after(0)).ask(space.distributions)
        except (ValueError, ImportError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"the sampler cannot search this: {reason}") from error

    def _play(self, number: int, overrides: list[str]) -> float | None:
        """The objective's value after a run; None where it failed."""
        (job,) = self._launcher.launch([overrides], initial_job_idx=number)
        value = job.return_value
        if value is None:
            summary = Path(job.hydra_cfg.hydra.runtime.output_dir) / SUMMARY
            values = json.loads(summary.read_text(encoding="utf-8"))["values"]
            known = nearest(str(self._objective), values)
            raise InputError(f"the run measured no {self._objective}: {known}"[:LONGEST_MESSAGE])
        return float(value) if math.isfinite(value) else None

    def _finish(self, study: Study, space: SearchSpace) -> None:
        best = study.best
        if best is None:
            raise InputError(f"no trial gave a number for the objective {self._objective}")
        overrides = [as_written(f"{name}={value}") for name, value in best.params.items()]
        found = {
            "name": "optuna",
            "best_params": {as_written(name): value for name, value in best.params.items()},
            "best_value": best.value,
            "best_trial": best.number,
            "objective": self._objective,
            "overrides": [
                *(
                    as_written(fixed)
                    for name, fixed in space.fixed.items()
                    if name.split("/")[0] != "sweep"
                ),
                *overrides,
            ],
        }
        path = self._folder / "optimization_results.yaml"
        OmegaConf.save(OmegaConf.create(found), path)
        print(f"best        {self._objective} {best.value:.6g}, trial {best.number}")
        print(f"settings    {' '.join(overrides)}")
        print(f"results     {path}")


def _optuna() -> ModuleType:
    needed = f"sweep=optuna needs optuna {OLDEST} or later: pip install 'lightning-ganzoo[optuna]'"
    try:
        optuna = importlib.import_module("optuna")
    except ImportError as error:
        raise InputError(needed) from error
    if int(optuna.__version__.split(".")[0]) < OLDEST:
        raise InputError(f"{needed} (optuna {optuna.__version__} is installed)")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    return optuna
