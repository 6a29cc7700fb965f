"""The maps inside a network, of any kind that is made of modules."""

from typing import Any

from torch import Tensor, nn

# Their maps are those of the layer before, with margins.
_PADDING = (nn.ConstantPad2d, nn.ReflectionPad2d, nn.ReplicationPad2d, nn.CircularPad2d)


def last_maps(network: nn.Module, images: Tensor) -> tuple[list[Tensor], Tensor]:
    """Run a network and keep the last map of each size that occurs inside it.

    Of modules whose maps have one size, the outermost count: the stages of a residual network, not
    what is inside their blocks; of a VGG, the rectifiers before each pooling. Maps of one place
    are left out.

    Args:
        network: Returns features ``[B, F]``.
        images: What it takes.

    Returns:
        The maps ``[B, C, h, w]`` in the order in which their sizes occur, and the features.
    """
    kept: dict[tuple[int, ...], tuple[int, Tensor]] = {}

    def keep(depth: int, output: Any) -> None:
        if not isinstance(output, Tensor) or output.dim() != 4 or output.shape[2:].numel() == 1:
            return
        size = tuple(output.shape[2:])
        if size not in kept or depth <= kept[size][0]:
            kept[size] = (depth, output)

    hooks = [
        module.register_forward_hook(lambda _m, _a, output, depth=depth: keep(depth, output))
        for depth, module in _inner_modules(network)
    ]
    try:
        features: Tensor = network(images)
    finally:
        for hook in hooks:
            hook.remove()
    return [output for _, output in kept.values()], features


def _inner_modules(network: nn.Module) -> list[tuple[int, nn.Module]]:
    """The modules inside a network that may end a size, and how deep inside each one is."""
    return [
        (name.count("."), module)
        for name, module in network.named_modules()
        if name and not isinstance(module, _PADDING)
    ]
