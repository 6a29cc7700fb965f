"""Statistics of a game while it trains, and warnings of what goes wrong."""

import logging
import math
from collections.abc import Mapping
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from ganzoo.callbacks.estimates import estimates_of_game
from ganzoo.callbacks.periodic import undisturbed
from ganzoo.callbacks.symptoms import GameStatistics, Symptom, accuracy, mean_distance, ranking
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole
from ganzoo.models.gan import GAN

log = logging.getLogger("ganzoo")
LOGGED = ("real_logits", "fake_logits", "accuracy", "ranking", "diversity")


@defaults_from("callbacks/monitor")
class Monitor(Callback):
    """Measures both players on a fixed batch, and warns once of each thing that goes wrong.

    At the first generator update and every few after it, both networks see the same real data
    and the same latents in evaluation mode; the generator with its own weights, not their
    average. Logged as ``monitor/<name>``, with the generator update as step:

    - ``real_logits``, ``fake_logits``: the discriminator's mean outputs;
    - ``accuracy``: its share of outputs on the right side of zero;
    - ``ranking``: its share of pairs of real and fake put in the right order, which means the
      same for critics, whose outputs have no zero point; 1/2 where it cannot tell;
    - ``diversity``: the mean distance of two samples, divided by that of two real ones;
    - the estimates that belong to the loss (:func:`ganzoo.callbacks.estimates.estimates`):
      ``jensen_shannon_bound``, ``distance_from_half``, ``divergence_bound`` or
      ``wasserstein_estimate``;
    - ``wasserstein``, the true value beside that estimate: on points of at most 3 dimensions that
      are neither packed nor augmented, the exact distance of the very samples that were judged.
      The estimate is at most that times the critic's Lipschitz constant, which is not known.

    Only finite values are logged.

    The game itself logs the norms of both players' gradients. A measurement changes nothing: no
    weight, no running statistic, no random state.

    Args:
        symptoms: What to look for, by name; see :mod:`ganzoo.callbacks.symptoms`.
        every_n_steps: Generator updates from one measurement to the next, at least 1.
        samples: Number of real and of generated samples, at least 2. Where the trainer has no
            data module with ``real(count, seed)``, at most those of the first batch.
        coordinates: Number of random coordinates that stand for where the samples are, at least 1.
        seed: Chooses the real samples, the latents and the coordinates.

    Raises:
        InputError: if a number is out of range.
    """

    def __init__(
        self,
        *,
        symptoms: Mapping[str, Symptom] = FROM_CONFIG,
        every_n_steps: int = FROM_CONFIG,
        samples: int = FROM_CONFIG,
        coordinates: int = FROM_CONFIG,
        seed: int = FROM_CONFIG,
    ) -> None:
        check_whole(every_n_steps=every_n_steps, samples=samples, coordinates=coordinates)
        if samples < 2:
            raise InputError("samples must be at least 2: diversity is a distance of two samples")
        self.symptoms = dict(symptoms)
        self.every_n_steps = every_n_steps
        self.samples, self.coordinates, self.seed = samples, coordinates, seed
        self.latest: GameStatistics | None = None
        self.warned: list[str] = []
        self._batch: FixedBatch | None = None
        self._kept: list[Tensor] = []
        self._last_step = 0

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Measure when it is time."""
        step = trainer.global_step
        if step == self._last_step or (step != 1 and step % self.every_n_steps):
            return
        if not isinstance(pl_module, GAN):
            return  # all symptoms are of what a discriminator says
        self._last_step = step
        if self._batch is None:
            self._batch = self._fixed_batch(trainer, pl_module, batch)
        self.latest = game_statistics(pl_module, self._batch, step)
        self._log(trainer, self.latest)
        for words in self.new_symptoms(self.latest):
            if trainer.is_global_zero:
                log.warning("step %d: %s", step, words)

    def _fixed_batch(self, trainer: Trainer, model: GAN, batch: Any) -> "FixedBatch":
        datamodule: Any = getattr(trainer, "datamodule", None)
        if hasattr(datamodule, "real"):
            real, labels = datamodule.real(self.samples, self.seed)
        else:
            self._kept = self._kept or self._first_samples(trainer, model, batch)
            fields = model.read_batch(self._kept)
            real, labels = fields["real"], fields["labels"]
        return FixedBatch(model, real, labels, coordinates=self.coordinates, seed=self.seed)

    def _first_samples(self, trainer: Trainer, model: GAN, batch: Any) -> list[Tensor]:
        """The beginning of the first process's batch, for all processes."""
        parts = [part for part in model.read_batch(batch).values() if part is not None]
        return trainer.strategy.broadcast([part[: self.samples].cpu().clone() for part in parts])

    def _log(self, trainer: Trainer, statistics: GameStatistics) -> None:
        found = {name: getattr(statistics, name) for name in LOGGED}
        found |= statistics.estimates
        values = {f"monitor/{name}": v for name, v in found.items() if math.isfinite(v)}
        trainer.callback_metrics.update({name: torch.tensor(v) for name, v in values.items()})
        for logger in trainer.loggers:
            logger.log_metrics(values, step=statistics.step)

    def new_symptoms(self, statistics: GameStatistics) -> list[str]:
        """What each symptom says that is noticed for the first time."""
        found = []
        for name, symptom in self.symptoms.items():
            words = None if name in self.warned else symptom.notice(statistics)
            if words:
                self.warned.append(name)
                found.append(words)
        return found

    def state_dict(self) -> dict[str, Any]:
        """What was seen so far, and the real data where it cannot be had again."""
        return {
            "settings": self._settings(),
            "symptoms": {name: symptom.state_dict() for name, symptom in self.symptoms.items()},
            "warned": list(self.warned),
            "kept": self._kept,
            "last_step": self._last_step,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from it; what was seen with other settings does not count."""
        self.warned, self._last_step = list(state_dict["warned"]), state_dict["last_step"]
        if state_dict["settings"] != self._settings():
            return
        self._kept = state_dict["kept"]
        for name, symptom in self.symptoms.items():
            if name in state_dict["symptoms"]:
                symptom.load_state_dict(state_dict["symptoms"][name])

    def _settings(self) -> list[int]:
        return [self.every_n_steps, self.samples, self.coordinates, self.seed]


class FixedBatch:
    """Real data and latents that stay the same, and coordinates of where the samples are.

    The coordinates are sums of all numbers of all samples with random signs, one sign for each
    sample times one for each feature. Their distances are on average the root mean square
    distances of the samples (Achlioptas, 2003, "Database-friendly Random Projections").

    Args:
        model: The game.
        real: Real data ``[B, ...]``.
        labels: Their classes ``[B]``, or None.
        coordinates: Number of coordinates, K.
        seed: Chooses the latents and the signs.
    """

    def __init__(
        self, model: GAN, real: Tensor, labels: Tensor | None, *, coordinates: int, seed: int
    ) -> None:
        random = torch.Generator().manual_seed(seed)
        device, count = model.device, len(real)
        self.real = real.to(device)
        self.labels = None if labels is None else labels.to(device)
        self.latents = model.latent_prior.sample(count, generator=random).to(device)
        self.spread = mean_distance(self.real)
        self._by_sample = _signs(count, coordinates, random).to(device)
        self._by_feature = _signs(real[0].numel(), coordinates, random).to(device)

    def position(self, samples: Tensor) -> Tensor:
        """Coordinates ``[K]`` of samples ``[B, ...]``."""
        projected = self._by_sample * (samples.flatten(1) @ self._by_feature)
        return projected.sum(dim=0) / math.sqrt(projected.numel())


def game_statistics(model: GAN, batch: FixedBatch, step: int) -> GameStatistics:
    """Measure both players without changing anything.

    Args:
        model: The game.
        batch: The data and latents to measure with.
        step: Generator updates so far.
    """
    count, unknown = len(batch.latents), batch.spread.new_tensor(math.nan)
    with undisturbed(model):
        samples = model.decode(batch.latents, batch.labels, averaged=False, batch_size=count)
        real = _mean_logits(model.score_samples(batch.real, batch.labels))
        fake = _mean_logits(model.score_samples(samples, batch.labels))
    numbers = {
        "real_logits": real.mean(),
        "fake_logits": fake.mean(),
        "accuracy": accuracy(real, fake),
        "ranking": ranking(real, fake),
        "diversity": mean_distance(samples) / batch.spread,
        "spread": batch.spread,
        "gradient_norm": model.latest_terms.get("generator/gradient_norm", unknown),
    }
    parts = [torch.stack(list(numbers.values())), batch.position(samples), real, fake]
    # One transfer from the device for all of them; the samples follow only for a true value.
    values = torch.cat(parts).cpu()
    first, position, real, fake = torch.split(values, [len(part) for part in parts])
    return GameStatistics(
        step=step,
        position=position.tolist(),
        estimates=estimates_of_game(model, real, fake, batch.real, samples),
        **dict(zip(numbers, first.tolist(), strict=True)),
    )


def _mean_logits(logits: Tensor) -> Tensor:
    """The mean logit of each sample ``[B]``, of logits ``[B, ...]``."""
    return logits.float().reshape(len(logits), -1).mean(dim=1)


def _signs(count: int, coordinates: int, random: torch.Generator) -> Tensor:
    return torch.randint(2, (count, coordinates), generator=random).float() * 2 - 1
