"""The library against a loop written by hand: same networks, same batches, same machine, one run.

``python -m benchmarks.speed`` prints, for the 2-D MLP and for DCGAN at 32x32, how many times as
fast as the loop a run through Lightning's Trainer is, with logging every 50 steps and the progress
bar on.
"""

import argparse
import contextlib
import io
import itertools
import logging
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor
from torch.nn.functional import softplus

from benchmarks.library import callbacks_and_logger, make_model, parts_of
from benchmarks.tables import add_argument, column, spread, write


@dataclass(frozen=True)
class Case:
    """What is timed: a model, its data, and how many updates make one measurement."""

    name: str
    overrides: list[str]
    dataset: str
    batch: tuple[int, ...]
    steps: int

    def model(self) -> LightningModule:
        """The model, with the same first weights each time."""
        return make_model(self.dataset, self.overrides)


CASES = [
    Case("MLP on points, batch 256", ["optimizer.ema=none"], "ring", (256, 2), 400),
    Case(
        "DCGAN 32x32, batch 64",
        ["network=dcgan", "optimizer.ema=none"],
        "cifar10",
        (64, 3, 32, 32),
        12,
    ),
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
    parts = parts_of(case.model())
    generator, discriminator = parts.generator, parts.discriminator
    device = torch.device("cpu")
    started = time.perf_counter()
    for (real,) in itertools.islice(Stream(case.batch), case.steps):
        with torch.no_grad():
            fake = generator(parts.latents(len(real), device))
        loss = softplus(-discriminator(real)).mean() + softplus(discriminator(fake)).mean()
        parts.of_discriminator.zero_grad()
        loss.backward()
        parts.of_discriminator.step()
        discriminator.requires_grad_(False)
        loss = softplus(-discriminator(generator(parts.latents(len(real), device)))).mean()
        parts.of_generator.zero_grad()
        loss.backward()
        parts.of_generator.step()
        discriminator.requires_grad_(True)
    return (time.perf_counter() - started) / case.steps


def by_trainer(case: Case) -> float:
    """Seconds for the same through Lightning's Trainer, logging and progress bar on."""
    model = case.model()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        callbacks, logger = callbacks_and_logger(folder, "progress")
        trainer = Trainer(
            max_steps=case.steps,
            max_epochs=-1,
            accelerator="cpu",
            default_root_dir=folder,
            logger=logger,
            callbacks=[*callbacks, clock := _Clock()],
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


def compare(case: Case, repetitions: int) -> dict[str, Any]:
    """Milliseconds of both, and the ratio of neighbouring measurements."""
    pairs = [(by_hand(case), by_trainer(case)) for _ in range(repetitions)]
    hand, trainer = zip(*pairs, strict=True)
    ratios = [by_loop / by_library for by_loop, by_library in pairs]
    return {"hand": spread(hand, 1e3), "trainer": spread(trainer, 1e3), "ratio": spread(ratios)}


def options(description: str | None, default: int) -> argparse.Namespace:
    """Read the command line, quieten Lightning, and say what everything runs on."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--repetitions", type=int, default=default)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    add_argument(parser)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    warnings.filterwarnings("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    print(f"torch {torch.__version__}, {arguments.threads} threads, {sys.platform}")
    return arguments


COLUMNS = {
    "hand": column("by hand", digits=2, unit="ms"),
    "trainer": column("Trainer", digits=2, unit="ms"),
    "ratio": column("times as fast", digits=2),
}


def main() -> None:
    """Print the table, and write it."""
    arguments = options(__doc__, 7)
    rows = {case.name: compare(case, arguments.repetitions) for case in CASES}
    print(f"{'case':<28}{'by hand':>12}{'Trainer':>12}{'ratio':>8}")
    for case, row in rows.items():
        hand, trainer, ratio = (row[name]["median"] for name in COLUMNS)
        print(f"{case:<28}{hand:>9.2f} ms{trainer:>9.2f} ms{ratio:>8.2f}")
    write(
        arguments.json,
        title="Speed beside a loop written by hand",
        head="an update of both players",
        columns=COLUMNS,
        rows=rows,
        repetitions=arguments.repetitions,
        threads=arguments.threads,
    )


if __name__ == "__main__":
    main()
