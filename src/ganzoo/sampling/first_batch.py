"""Whether networks and data fit each other, found by looking at the first batch."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ganzoo.errors import InputError, described
from ganzoo.game.evaluating import evaluating

log = logging.getLogger("ganzoo")

Function = Callable[[Tensor, Tensor | None], Tensor]
"""A function of data ``[B, ...]`` and labels ``[B]`` or None."""

LARGER = "use larger batches, or drop_last=True in a loader whose last batch is so small"

# For a look at the networks; a multiple of all packings that are in use.
_SAMPLES = 24

# Beyond [-1, 1]: dequantised bytes, x + u with u in [0, 1), reach 1.0079.
TOLERANCE = 0.01


def check_networks_fit(
    model: nn.Module,
    generate: Function,
    discriminate: Function,
    data: Tensor,
    labels: Tensor | None,
    packing: int,
    others: Mapping[str, Callable[[Tensor], Any]],
) -> None:
    """Refuse networks that do not fit the data before the first update.

    All networks run once in evaluation mode on two packs, so that nothing changes.

    Args:
        model: What holds the networks.
        generate: From real data and labels to as many fakes.
        discriminate: From data and labels to logits, one for each pack.
        data: Real samples ``[B, ...]``.
        labels: Their classes ``[B]``, or None.
        packing: Samples that the discriminator judges at once.
        others: Networks from data to something else, by name.

    Raises:
        InputError: if the data is not finite, pictures leave [-1, 1], a network does not take the
            data, the discriminator does not return logits ``[B]``, or the generator makes data of
            another shape.
    """
    check_data(data)
    rows = 2 * packing
    real, marks = data[:rows], None if labels is None else labels[:rows]
    with evaluating(model):
        made = output_of("generator", "its latents", lambda: generate(real, marks))
        check_generated_shape(made, real)
        for name, network in others.items():
            output_of(name, _shape(real), lambda network=network: network(real))  # type: ignore[misc]
        logits = output_of("discriminator", _shape(real), lambda: discriminate(real, marks))
    if not logits.dim() or len(logits) != len(real) // packing:
        raise InputError(
            "the discriminator must return logits [B, ...], "
            f"not {list(logits.shape)} for a batch of {len(real)}"
        )
    warn_of_range(data, made)


def check_data(data: Tensor) -> None:
    """Refuse data that is not finite, and pictures outside [-1, 1].

    Raises:
        InputError: saying which it is, and how to scale.
    """
    low, high = torch.stack(data.aminmax()).tolist()
    if not -float("inf") < low <= high < float("inf"):
        raise InputError("the data holds values that are not finite: NaN, or infinite")
    if data.dim() == 4 and (low < -1 - TOLERANCE or high > 1 + TOLERANCE):
        raise InputError(
            f"pictures must lie in [-1, 1], and the first batch's lie in [{low:.4g}, {high:.4g}]: "
            "scale values from 0 to 255 by x / 127.5 - 1, from 0 to 1 by 2 * x - 1; in place of "
            "standardisation by the data set's mean and deviation take Normalize([0.5], [0.5])"
        )


def warn_of_range(data: Tensor, made: Tensor) -> None:
    """Say that pictures lie in [0, 1] where the generator's lie on both sides of zero.

    Args:
        data: Real samples ``[B, ...]``.
        made: Samples of the untrained generator.
    """
    if data.dim() == 4 and bool((data.min() >= 0) & (made.min() < 0)):
        log.warning(
            "the first batch's pictures lie in [0, 1], and the generator makes values down to -1 "
            "(tanh): scale the data to [-1, 1] by 2 * x - 1"
        )


def check_generated_shape(made: Tensor, data: Tensor) -> None:
    """Refuse a generator whose samples have another shape than the data.

    Raises:
        InputError: naming both shapes, and how the data may be meant.
    """
    mine, theirs = list(made.shape[1:]), list(data.shape[1:])
    if mine != theirs:
        raise InputError(
            f"the generator makes data of shape {mine}, the data set has {theirs}: "
            f"{_remedy(mine, theirs)}"
        )


def output_of(name: str, given: str, run: Callable[[], Any]) -> Tensor:
    """What a network makes of what it is given, or whose fault it is that it cannot.

    Raises:
        InputError: naming the network, what it was given, and what torch says.
    """
    try:
        made = run()
    except InputError:
        raise
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"the {name} does not fit {given}: {reason}") from error
    if not isinstance(made, Tensor):
        raise InputError(
            f"the {name} must return one tensor; what it returns is {described(made)}: let its "
            "forward return the part that is wanted"
        )
    return made


def check_single_sample(model: Any) -> None:
    """Refuse a model that has batch normalisation of vectors for steps of a single sample.

    Args:
        model: A :class:`~ganzoo.sampling.latents.LatentSampler`, which looks at its own samples.

    Raises:
        InputError: saying what to change.
    """
    seen: list[nn.Module] = []

    def keep(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        if inputs[0][0, 0].numel() == 1:
            seen.append(module)

    layers = [m for m in model.modules() if isinstance(m, _BatchNorm) and m.training]
    hooks = [layer.register_forward_pre_hook(keep) for layer in layers]
    try:
        with same_random_state(model.device), suppress(InputError):
            samples = model.sample(_SAMPLES, seed=0)
            labels = torch.zeros(_SAMPLES, dtype=torch.int64, device=samples.device)
            model.check_fields({"real": samples, "labels": labels})
    finally:
        for hook in hooks:
            hook.remove()
    if seen:
        raise InputError(f"one sample in a step is too few for batch normalisation: {LARGER}")


def same_random_state(device: torch.device) -> Any:
    """Put the random state of torch back after a block, on the CPU and on the device."""
    devices = [] if device.type == "cpu" else [device]
    return torch.random.fork_rng(devices=devices, device_type=device.type)


def _shape(data: Tensor) -> str:
    return f"data of shape {list(data.shape[1:])}"


def _remedy(made: Sequence[int], data: Sequence[int]) -> str:
    if len(made) == 3 and len(data) == 2:
        return "pictures are [B, C, H, W], give grey ones their channel by x.unsqueeze(1)"
    if len(made) == len(data) == 3 and data[0] != made[0] == data[2]:
        return "pictures are [B, C, H, W], bring the channels forward by x.permute(0, 3, 1, 2)"
    return "choose a network made for this data set"
