"""Learning rate schedules that count generator updates.

The game steps the schedules of all players once for each generator update, whatever the number of
discriminator steps. Each function takes a player's optimizer and returns a scheduler of torch,
whose state is plain numbers.
"""

from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_not_negative


@defaults_from("schedule/linear")
def linear_decay(
    optimizer: Optimizer, *, updates: int, final_factor: float = FROM_CONFIG
) -> LRScheduler:
    """Go from the learning rate to ``final_factor`` times it along a line, and stay there.

    Args:
        optimizer: the player's optimizer.
        updates: generator updates until the end of the line.
        final_factor: the share of the learning rate that is left at the end, at least 0.

    Raises:
        InputError: if updates is not a positive number or final_factor is negative.
    """
    _check_updates(updates)
    check_not_negative(final_factor=final_factor)
    return LinearLR(optimizer, start_factor=1.0, end_factor=final_factor, total_iters=updates)


@defaults_from("schedule/cosine")
def cosine_decay(
    optimizer: Optimizer, *, updates: int, final_lr: float = FROM_CONFIG
) -> LRScheduler:
    """Go from the learning rate to ``final_lr`` along half a cosine wave.

    Loshchilov and Hutter (2017, arXiv:1608.03983), equation 5, without restarts. Past its end the
    wave rises again.

    Args:
        optimizer: the player's optimizer.
        updates: generator updates until the end of the half wave.
        final_lr: the learning rate at the end, at least 0.

    Raises:
        InputError: if updates is not a positive number or final_lr is negative.
    """
    _check_updates(updates)
    check_not_negative(final_lr=final_lr)
    return CosineAnnealingLR(optimizer, T_max=updates, eta_min=final_lr)


def _check_updates(updates: int | None) -> None:
    if updates is None or updates < 1:
        raise InputError(
            "a decaying schedule needs the number of generator updates as schedule.updates or "
            f"trainer.max_steps, a positive number, not {updates}"
        )
