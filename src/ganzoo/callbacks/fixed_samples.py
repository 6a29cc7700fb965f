"""Real samples that a callback looks at again and again."""

from typing import Any

from lightning.pytorch import LightningModule, Trainer

from ganzoo.game.module import AdversarialModule


class FixedSamples:
    """The same real samples throughout a run.

    They come from the data module's ``real(count, seed)``, or else are the beginning of the first
    batch of the first process, which then is part of the state.

    Args:
        count: Number of samples; where there are fewer, all of them.
        seed: Chooses them.
        field: Which field of a minibatch they are; None takes all fields, as a dictionary.

    Attributes:
        samples: What there is so far, on the CPU, or None.
    """

    def __init__(self, count: int, seed: int, *, field: str | None) -> None:
        self.count, self.seed, self.field = count, seed, field
        self.samples: Any = None
        self._kept: Any = None

    def find(self, trainer: Trainer) -> None:
        """Take those of the data module, or those that an earlier process has kept."""
        datamodule: Any = getattr(trainer, "datamodule", None)
        has_real = hasattr(datamodule, "real")
        self.samples = datamodule.real(self.count, self.seed)[0] if has_real else self._kept

    def keep(self, model: LightningModule, batch: Any) -> None:
        """Take the beginning of a batch, where there are none yet."""
        if self.samples is None:
            assert isinstance(model, AdversarialModule)
            fields = model.read_batch(batch)
            names = fields if self.field is None else [self.field]
            kept = {name: fields[name][: self.count].cpu() for name in names}
            self.samples = self._kept = kept if self.field is None else kept[self.field]

    def state_dict(self) -> dict[str, Any]:
        """The samples where they cannot be had again."""
        return {"kept": self._kept}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with the samples of the run that is resumed."""
        self._kept = state_dict["kept"]
