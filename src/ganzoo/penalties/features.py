"""What a discriminator makes of data before its last layer."""

from typing import Any

from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from ganzoo.errors import InputError
from ganzoo.penalties.context import Context, Score
from ganzoo.precision import at_least_float32


def last_hidden_features(network: nn.Module, score: Score, data: Tensor) -> Tensor:
    """Take the input of the last linear or convolution layer that a discriminator runs.

    Any network will do, since the layer is found while it runs: it need not say what its features
    are. These are the features of feature matching (Salimans et al. 2016, arXiv:1606.03498), on
    an intermediate layer of the discriminator.

    Args:
        network: the discriminator's network.
        score: the function that runs it, data ``[B, ...]`` to logits ``[B]``.
        data: data ``[B, ...]``.

    Returns:
        Features ``[B, F]`` in float32 or better, with all axes but the first in one.

    Raises:
        InputError: if the discriminator runs no such layer.
    """
    seen: list[Tensor] = []

    def keep(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        seen[:] = [inputs[0]]

    layers = [module for module in network.modules() if isinstance(module, nn.Linear | _ConvNd)]
    hooks = [layer.register_forward_pre_hook(keep) for layer in layers]
    try:
        score(data)
    finally:
        for hook in hooks:
            hook.remove()
    if not seen:
        raise InputError(
            "features are the input of the discriminator's last linear or convolution layer, "
            "and it has none"
        )
    return at_least_float32(seen[0]).flatten(start_dim=1)


def discriminator_features(context: Context, data: Tensor) -> Tensor:
    """Take these features ``[B, F]`` of data ``[B, ...]`` as the discriminator is shown them.

    Raises:
        InputError: if the context has no network of a discriminator, or it no such layer.
    """
    if context.discriminator is None:
        raise InputError("features are a discriminator's: give discriminator=, its network")
    return last_hidden_features(context.discriminator, context.score, data)
