"""The library against a loop written by hand: same networks, same batches, same machine, one run.

``make bench`` prints, for the 2-D MLP and for DCGAN at 32x32, how many times as fast as the loop
a run through Lightning's Trainer is, with logging every 50 steps and the progress bar on.
"""

import argparse
import contextlib
import io
import itertools
import logging
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers import CSVLogger
from torch import Tensor
from torch.nn.functional import softplus

from ganzoo import create_model
from ganzoo.callbacks.progress import TrainingProgress
from ganzoo.models.gan import GAN


@dataclass(frozen=True)
class Case:
    """What is timed: a model, its data, and how many updates make one measurement."""

    name: str
    overrides: list[str]
    dataset: str
    batch: tuple[int, ...]
    steps: int

    def model(self) -> GAN:
        """The model, with the same first weights each time."""
        torch.manual_seed(0)
        return create_model("gan", dataset=self.dataset, overrides=self.overrides)


CASES = [
    Case("MLP on points, batch 256", ["ema=none"], "ring", (256, 2), 400),
    Case("DCGAN 32x32, batch 64", ["network=dcgan", "ema=none"], "cifar10", (64, 3, 32, 32), 12),
]


class Stream:
    """The same ready batches again and again, so that no time goes into data."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        generator = torch.Generator().manual_seed(0)
        self.batches = [torch.rand(shape, generator=generator) * 2 - 1 for _ in range(8)]

    def __iter__(self) -> Iterator[list[Tensor]]:
        for batch in itertools.cycle(self.batches):
            yield [batch]


def by_hand(case: Case) -> float:
    """Seconds for one update of both players in a loop written by hand."""
    model = case.model()
    generator, discriminator, prior = model.generator, model.discriminator, model.latent_prior
    (of_discriminator, of_generator), _ = model.configure_optimizers()
    started = time.perf_counter()
    for (real,) in itertools.islice(Stream(case.batch), case.steps):
        with torch.no_grad():
            fake = generator(prior.sample(len(real)))
        loss = softplus(-discriminator(real)).mean() + softplus(discriminator(fake)).mean()
        of_discriminator.zero_grad()
        loss.backward()
        of_discriminator.step()
        discriminator.requires_grad_(False)
        loss = softplus(-discriminator(generator(prior.sample(len(real))))).mean()
        of_generator.zero_grad()
        loss.backward()
        of_generator.step()
        discriminator.requires_grad_(True)
    return (time.perf_counter() - started) / case.steps


def by_trainer(case: Case) -> float:
    """Seconds for the same through Lightning's Trainer, logging and progress bar on."""
    model = case.model()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        progress = TrainingProgress(
            refresh_seconds=0.5, line_seconds=0.5, first_line_steps=50, terms=["generator/loss"]
        )
        trainer = Trainer(
            max_steps=case.steps,
            max_epochs=-1,
            accelerator="cpu",
            logger=CSVLogger(folder),
            callbacks=[progress, clock := _Clock()],
            log_every_n_steps=50,
            enable_checkpointing=False,
            enable_model_summary=False,
        )
        trainer.fit(model, Stream(case.batch))
    return clock.seconds / case.steps


class _Clock(Callback):
    """Times training without the trainer's own start and end."""

    seconds = 0.0

    def on_train_start(self, *_: object) -> None:
        self.seconds = -time.perf_counter()

    def on_train_end(self, *_: object) -> None:
        self.seconds += time.perf_counter()


def compare(case: Case, repetitions: int) -> tuple[float, float, float]:
    """Medians of both, and of the ratio of neighbouring measurements."""
    pairs = [(by_hand(case), by_trainer(case)) for _ in range(repetitions)]
    ratio = statistics.median(hand / trainer for hand, trainer in pairs)
    hand, trainer = (statistics.median(column) for column in zip(*pairs, strict=True))
    return hand, trainer, ratio


def repetitions(description: str | None, default: int) -> int:
    """Read the command line, quieten Lightning, and say what everything runs on."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--repetitions", type=int, default=default)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    warnings.filterwarnings("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    print(f"torch {torch.__version__}, {arguments.threads} threads, {sys.platform}")
    return int(arguments.repetitions)


def main() -> None:
    """Print the table."""
    times = repetitions(__doc__, 7)
    print(f"{'case':<28}{'by hand':>12}{'Trainer':>12}{'ratio':>8}")
    for case in CASES:
        hand, trainer, ratio = compare(case, times)
        print(f"{case.name:<28}{hand * 1e3:>9.2f} ms{trainer * 1e3:>9.2f} ms{ratio:>8.2f}")


if __name__ == "__main__":
    main()
