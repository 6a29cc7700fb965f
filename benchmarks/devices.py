"""Averaging gradients player by player against Lightning's way, two processes, one run.

``python -m benchmarks.devices`` starts a second process of itself and trains the same networks in
three ways, taking turns: with ganzoo's strategy; with a variant of it that sends a player's
gradients in buckets while the backward pass is still running; and as Lightning's documentation
advises for two optimizers, with ``ddp_find_unused_parameters_true``. It prints milliseconds for
one update of both players and the megabytes of gradients that a process sends for it.
"""

import argparse
import logging
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import torch
import torch.distributed
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor, nn
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import allreduce_hook
from torch.nn.functional import softplus

from benchmarks.library import parts_of
from benchmarks.speed import Case, Stream
from benchmarks.tables import add_argument, column, spread, write
from ganzoo.strategies.player_parallel import PlayerParallelStrategy

CASES = [
    Case("MLP 256 wide, batch 2 x 32", ["network.generator.width=256"], "ring", (32, 2), 40),
    Case("DCGAN 32x32, batch 2 x 16", ["network=dcgan"], "cifar10", (16, 3, 32, 32), 4),
]


class Overlapping(PlayerParallelStrategy):
    """Sends each bucket of gradients as soon as the backward pass has filled it."""

    megabytes = 1.0

    def setup(self, trainer: Trainer) -> None:
        """Watch every parameter for its gradient."""
        super().setup(trainer)
        self._ready: dict[nn.Parameter, None] = {}
        self._sent: list[tuple[list[nn.Parameter], Tensor, Any]] = []
        for parameter in trainer.model.parameters():
            if parameter.requires_grad:
                parameter.register_post_accumulate_grad_hook(self._collect)

    def average_gradients(self, parameters: list[nn.Parameter]) -> None:
        """Send the last bucket and wait for all."""
        self._send()
        for bucket, flat, work in self._sent:
            work.wait()
            means = torch.split(flat, [parameter.numel() for parameter in bucket])
            shaped = [mean.view_as(p) for mean, p in zip(means, bucket, strict=True)]
            torch._foreach_copy_([parameter.grad for parameter in bucket], shaped)
        self._sent.clear()

    def _collect(self, parameter: nn.Parameter) -> None:
        self._ready[parameter] = None
        if sum(p.numel() * p.element_size() for p in self._ready) >= self.megabytes * 2**20:
            self._send()

    def _send(self) -> None:
        bucket = list(self._ready)
        self._ready.clear()
        if bucket:
            flat = torch.cat([parameter.grad.flatten() for parameter in bucket])
            flat.mul_(1 / self.world_size)
            work = torch.distributed.all_reduce(flat, async_op=True)
            self._sent.append((bucket, flat, work))


class Documented(LightningModule):
    """The game written by hand as Lightning's documentation of manual optimization shows."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        self.automatic_optimization = False
        parts = parts_of(case.model())
        self.generator, self.discriminator = parts.generator, parts.discriminator
        self._latents = parts.latents
        self._optimizers = [parts.of_discriminator, parts.of_generator]

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """The discriminator's and the generator's."""
        return self._optimizers

    def training_step(self, batch: list[Tensor], batch_idx: int) -> None:
        """One update of the discriminator, then one of the generator."""
        (real,) = batch
        of_discriminator, of_generator = self.optimizers()
        self.toggle_optimizer(of_discriminator)
        fake = self.generator(self._latents(len(real), real.device))
        self._update(
            of_discriminator,
            softplus(-self.discriminator(real)).mean() + softplus(self.discriminator(fake)).mean(),
        )
        self.toggle_optimizer(of_generator)
        fake = self.generator(self._latents(len(real), real.device))
        self._update(of_generator, softplus(-self.discriminator(fake)).mean())

    def _update(self, optimizer: Any, loss: Tensor) -> None:
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()
        self.untoggle_optimizer(optimizer)


class Watch(Callback):
    """Times training without the trainer's own start and end, or counts what it sends."""

    def __init__(self, *, count: bool) -> None:
        self.count, self.sent = count, 0

    def on_train_start(self, trainer: Trainer, *_: object) -> None:
        """Start."""
        if self.count:
            self._reduce = torch.distributed.all_reduce
            torch.distributed.all_reduce = self._counted
            if isinstance(trainer.model, nn.parallel.DistributedDataParallel):
                trainer.model.register_comm_hook(None, allreduce_hook)  # which calls it
        trainer.strategy.barrier()
        self.seconds = -time.perf_counter()

    def on_train_end(self, trainer: Trainer, *_: object) -> None:
        """Stop."""
        trainer.strategy.barrier()
        self.seconds += time.perf_counter()
        if self.count:
            torch.distributed.all_reduce = self._reduce

    def _counted(self, tensor: Tensor, *rest: Any, **named: Any) -> Any:
        self.sent += tensor.numel() * tensor.element_size()
        return self._reduce(tensor, *rest, **named)


WAYS: dict[str, tuple[Callable[[Case], LightningModule], Callable[[], Any]]] = {
    "by player": (Case.model, PlayerParallelStrategy),
    "in buckets": (Case.model, Overlapping),
    "DDP": (Documented, lambda: "ddp_find_unused_parameters_true"),
}


def train(case: Case, way: str, *, count: bool = False) -> Watch:
    """Train for the case's number of steps."""
    module, strategy = WAYS[way]
    watch = Watch(count=count)
    Trainer(
        max_steps=case.steps if way != "DDP" else 2 * case.steps,  # there every step is counted
        max_epochs=-1,
        accelerator="cpu",
        devices=2,
        strategy=strategy(),
        callbacks=[watch],
        logger=False,
        log_every_n_steps=10**9,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    ).fit(module(case), Stream(case.batch))
    return watch


def compare(case: Case, repetitions: int) -> dict[str, dict[str, Any]]:
    """For each way milliseconds and megabytes for one iteration, and the ratio to the first."""
    sent = {way: train(case, way, count=True).sent / case.steps / 1e6 for way in WAYS}
    times: dict[str, list[float]] = {way: [] for way in WAYS}
    for number in range(repetitions):
        ways = list(WAYS)
        for way in ways[number % len(ways) :] + ways[: number % len(ways)]:
            times[way].append(train(case, way).seconds / case.steps)
    first = times[next(iter(WAYS))]
    return {
        way: {
            "time": spread(seconds, 1e3),
            "sent": sent[way],
            "ratio": spread([a / b for a, b in zip(seconds, first, strict=True)]),
        }
        for way, seconds in times.items()
    }


COLUMNS = {
    "time": column("an update of both players", digits=2, unit="ms"),
    "sent": column("gradients sent for it", digits=2, unit="MB"),
    "ratio": column("times as long as the first", digits=2),
}


def main() -> None:
    """Print the table, and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=15)
    add_argument(parser)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    tables = {case.name: compare(case, arguments.repetitions) for case in CASES}
    if torch.distributed.get_rank() > 0:
        return
    print(f"torch {torch.__version__}, gloo, 2 processes of 1 thread, {sys.platform}")
    for name, table in tables.items():
        print(name)
        for way, row in table.items():
            time_of, ratio = row["time"]["median"], row["ratio"]["median"]
            print(f"  {way:<12}{time_of:>9.2f} ms{row['sent']:>9.2f} MB{ratio:>8.2f}")
    write(
        arguments.json,
        title="Gradients of two processes",
        head="networks and way",
        columns=COLUMNS,
        rows={
            f"{name}, {way}": row for name, table in tables.items() for way, row in table.items()
        },
        repetitions=arguments.repetitions,
        threads=1,
    )


if __name__ == "__main__":
    main()
