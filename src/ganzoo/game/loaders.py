"""What a dataloader's length says about its batches, before the first of them is seen."""

import logging
from collections.abc import Callable
from typing import Any

from lightning.pytorch import Trainer
from torch.utils.data import BatchSampler, DataLoader, IterableDataset

from ganzoo.errors import InputError

log = logging.getLogger("ganzoo")


def check_last_batch(trainer: Trainer, check: Callable[[int], None]) -> None:
    """Refuse a loader whose last batch in an epoch would end the run.

    Args:
        trainer: Whose dataloader it is, in the middle of ``fit``.
        check: Raises an InputError for a number of samples that is too few.

    Raises:
        InputError: what the check says, and of which batch.
    """
    count = last_batch(trainer)
    if count is not None:
        try:
            check(count)
        except InputError as error:
            raise InputError(f"the last batch of an epoch holds only {count}: {error}") from error


def last_batch(trainer: Trainer) -> int | None:
    """The samples in the last batch of an epoch, where it is smaller than the others.

    Args:
        trainer: Whose dataloader it is, in the middle of ``fit``.

    Returns:
        None where the batches are alike, the loader does not say, or training ends before.
    """
    loader: Any = trainer.train_dataloader
    plan = getattr(loader, "batch_sampler", None)
    counted = isinstance(loader, DataLoader) and not isinstance(loader.dataset, IterableDataset)
    if not counted or type(plan) is not BatchSampler or plan.drop_last:
        return None
    samples, size = len(plan.sampler), plan.batch_size  # type: ignore[arg-type]
    batches = len(plan)
    seen = trainer.num_training_batches >= batches and not 0 <= trainer.max_steps < batches
    return samples % size or None if seen and samples > size else None


def say_what_a_batch_is(trainer: Trainer, count: int, steps: int) -> None:
    """Say how a batch of a loader of the user's own is divided among discriminator steps.

    Args:
        trainer: Whose loader it is; a data module of ganzoo makes batches for the steps.
        count: Samples in the batch.
        steps: Discriminator steps in one iteration.
    """
    ours = hasattr(getattr(trainer, "datamodule", None), "real")
    if steps == 1 or ours or not trainer.is_global_zero:
        return
    each, rest = divmod(count, steps)
    sizes = f"{each} or {each + 1}" if rest else f"{each}"
    log.log(
        logging.WARNING if rest else logging.INFO,
        "a batch of %d is one iteration: %d discriminator steps of %s samples each; for steps of "
        "%d give the loader batch_size=%d",
        count,
        steps,
        sizes,
        count,
        count * steps,
    )
