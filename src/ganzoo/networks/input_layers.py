"""The layers of a discriminator, from the data on."""

from typing import Any, cast

from torch import nn

from ganzoo.errors import InputError


def input_layers(network: nn.Module) -> list[list[nn.Module]]:
    """The layers that data pass one after another, without the last one.

    A network says them itself by a method ``input_layers()``: those of StyleGAN2 and R3GAN are all
    that works on maps of one size. Else they are its ``layers``, or its ``blocks``, or itself, if
    that is a sequence: a layer begins at each part with a matrix of weights, a block or a
    convolution, and what follows it (normalisation, activation) belongs to it. Of a network inside
    another one (``network``), which adds labels, they are those of the inner one.

    Args:
        network: A discriminator.

    Returns:
        The modules of each layer.

    Raises:
        InputError: if nothing says what its layers are.
    """
    own = getattr(network, "input_layers", None)
    if callable(own):
        return cast("list[list[nn.Module]]", own())
    parts: Any = [getattr(network, name, None) for name in ("layers", "blocks")]
    chains = [part for part in (network, *parts) if isinstance(part, nn.Sequential)]
    if chains:
        return _layers_of(chains[0], whole=chains[0] is not getattr(network, "blocks", None))
    inner = getattr(network, "network", None)
    if isinstance(inner, nn.Module):
        return input_layers(inner)
    raise InputError(
        f"nobody says what the layers of a {type(network).__name__} are: give it a method "
        "input_layers() that returns their modules, or leave out freeze_discriminator_layers"
    )


def _layers_of(chain: nn.Sequential, *, whole: bool) -> list[list[nn.Module]]:
    """The layers of a sequence, the last left out where the sequence is the whole network."""
    layers: list[list[nn.Module]] = []
    before: list[nn.Module] = []
    for part in chain:
        if any(parameter.dim() > 1 for parameter in part.parameters()):
            layers.append([*before, part])
            before = []
        elif layers:
            layers[-1].append(part)
        else:
            before.append(part)
    return layers[:-1] if whole else layers
