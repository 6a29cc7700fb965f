"""A model as a module that is copied, pickled, cast to other types, saved and compiled."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from lightning.pytorch import LightningModule
from torch import Tensor
from torch.utils.hooks import RemovableHandle
from typing_extensions import Self

from ganzoo.game.compiled import leave_wrappers_out, with_wrappers
from ganzoo.game.pickling import let_be_pickled
from ganzoo.game.true_precision import cast_inputs


class Portable(LightningModule, ABC):
    """The part of a model that lets it leave the run that it is part of, and take any precision.

    Attributes:
        of_the_run: Names of what a model has of a trainer's objects; training gives them anew.
    """

    of_the_run = (
        "_players",
        "_constraints",
        "_adaptive",
        "_timed",
        "_averaged",
        "_schedules",
        "stepping",
    )

    def __init__(self) -> None:
        super().__init__()
        self._casts: list[RemovableHandle] = []

    @abstractmethod
    def training_step(self, batch: Any, batch_idx: int) -> None:
        """One iteration."""

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """All weights and buffers, under the same names if ``torch.compile`` wraps a network."""
        state = super().state_dict(*args, **kwargs)
        leave_wrappers_out(state)
        return state

    def load_state_dict(self, state_dict: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Take weights and buffers under those names."""
        state = with_wrappers(state_dict, super().state_dict())
        return super().load_state_dict(state, *args, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        """What a copy or a pickle takes along: nothing of the run."""
        let_be_pickled(self)
        state: dict[str, Any] = super().__getstate__()
        return {name: value for name, value in state.items() if name not in self.of_the_run}

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for cast in self._casts:
            cast.remove()
        self._casts = cast_inputs(self)
        return self
