"""The trials of a search, as Optuna keeps them in a storage."""

import contextlib
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from ganzoo.composition.folder import SUMMARY
from ganzoo.errors import InputError

_ABOUT, _PROCESS, _ENDED, _EXHAUSTED = "about", "process", "ended", "exhausted"

_TRIES = 5
_MEANWHILE = ("UNIQUE constraint", "already exists", "is locked")
"""What a database says where another process makes the same storage at the same time."""


class Study:
    """A study of Optuna whose trials are asked for and told one by one.

    Args:
        optuna: The package.
        study: Optuna's.
    """

    def __init__(self, optuna: ModuleType, study: Any) -> None:
        self._states = optuna.trial.TrialState
        self._study = study
        self._running: dict[int, Any] = {}

    @classmethod
    def open(
        cls, optuna: ModuleType, *, storage: Any, name: str, folder: Path, about: dict[str, Any]
    ) -> "Study":
        """Make a study, or go on with the one that the storage holds.

        Args:
            optuna: The package.
            storage: Of ``optuna.create_study``.
            name: Of the study.
            folder: Where the search keeps its runs; it is made if need be.
            about: What is searched and for what, in values of JSON.

        Raises:
            InputError: if the storage cannot be opened, or holds a search for something else.
        """
        made = [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        try:
            found = cls._opened(optuna, storage, name, about)
        except Exception as error:  # of any database behind it
            with contextlib.suppress(OSError):
                for path in made:
                    path.rmdir()  # where it is empty
            reason = str(error).splitlines()[0]
            raise InputError(f"cannot open the storage {storage}: {reason}"[:290]) from error
        found._check(about, name)
        if found.asked == 0:
            for summary in folder.glob(f"*/{SUMMARY}"):  # of an earlier search in this folder
                summary.unlink()
        return found

    @classmethod
    def _opened(cls, optuna: ModuleType, storage: Any, name: str, about: dict[str, Any]) -> "Study":
        settings = {"study_name": name, "direction": about["direction"], "load_if_exists": True}
        opened = _storage(optuna, storage)
        found = cls(optuna, optuna.create_study(storage=opened, **settings))
        if found.asked and not found.ended and found._about not in (None, about):
            optuna.delete_study(study_name=name, storage=opened)
            found = cls(optuna, optuna.create_study(storage=opened, **settings))
        if found._about is None:
            found._study.set_user_attr(_ABOUT, about)
        return found

    @property
    def asked(self) -> int:
        """How many trials there are, running ones among them."""
        return len(self._study.get_trials(deepcopy=False))

    @property
    def ended(self) -> int:
        """How many trials have ended by themselves, failed ones among them."""
        return sum(_ENDED in trial.user_attrs for trial in self._study.get_trials(deepcopy=False))

    @property
    def exhausted(self) -> bool:
        """Whether the sampler has nothing more to ask for."""
        return _EXHAUSTED in self._study.user_attrs

    @property
    def best(self) -> Any:
        """The best trial; None where none was successful."""
        successful = self._study.get_trials(deepcopy=False, states=(self._states.COMPLETE,))
        return self._study.best_trial if successful else None

    def ask(self, sampler: Any, distributions: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """Begin a trial.

        Returns:
            Its number and the value of each setting.
        """
        self._study.sampler = sampler
        trial = self._study.ask(dict(distributions))
        trial.set_user_attr(_PROCESS, [socket.gethostname(), os.getpid()])
        self._running[trial.number] = trial
        return trial.number, trial.params

    def tell(self, number: int, value: float | None) -> None:
        """End a trial with its value, or as failed."""
        trial = self._running.pop(number)
        trial.set_user_attr(_ENDED, True)
        try:
            if value is None:
                self._study.tell(trial, state=self._states.FAIL)
            else:
                self._study.tell(trial, value)
        except RuntimeError:
            # So a sampler says that the space is exhausted; the trial is stored by then.
            self._study.set_user_attr(_EXHAUSTED, True)

    def take_back_dead_trials(self) -> None:
        """Let trials of killed processes of this machine be tried again."""
        for trial in self._study.get_trials(states=(self._states.RUNNING,)):
            host, process = trial.user_attrs.get(_PROCESS, (socket.gethostname(), 0))
            if host == socket.gethostname() and not _is_another(process):
                self._study.tell(trial.number, state=self._states.FAIL)
                self._study.enqueue_trial(trial.params)

    @property
    def _about(self) -> Any:
        return self._study.user_attrs.get(_ABOUT)

    def _check(self, about: Mapping[str, Any], name: str) -> None:
        different = [key for key, value in about.items() if (self._about or {}).get(key) != value]
        if different:
            raise InputError(
                f"the search {name!r} was begun with other {', '.join(different)}: give the same "
                "to go on with it, or hydra.sweeper.study_name=NAME to begin another one"
            )


def _storage(optuna: ModuleType, storage: Any) -> Any:
    for _ in range(_TRIES - 1):
        try:
            return optuna.storages.get_storage(storage)
        except Exception as error:
            if not any(word in str(error) for word in _MEANWHILE):
                raise
            time.sleep(1.0)
    return optuna.storages.get_storage(storage)


def _is_another(process: int) -> bool:
    """Whether this is a process that lives and not this one."""
    if process in (0, os.getpid()):
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
