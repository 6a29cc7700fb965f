"""What networks ask of the shapes they are given, and how they refuse others."""

from collections.abc import Collection, Sequence

from torch import Tensor

from ganzoo.errors import InputError


def check_shape(owner: object, shape: Sequence[int]) -> None:
    """Refuse shapes that are neither points [D] nor images [C, H, W].

    Raises:
        InputError: naming the network and the shape.
    """
    whole = all(isinstance(size, int) and size > 0 for size in shape)
    if len(shape) not in (1, 3) or not whole:
        raise InputError(
            f"{type(owner).__name__} works on points [D] or images [C, H, W] of positive sizes,"
            f" not {list(shape)}"
        )


def check_square_image(owner: object, shape: Sequence[int], sizes: Collection[int]) -> None:
    """Refuse shapes that are not square images of one of the sizes (in pixels).

    Raises:
        InputError: saying which sizes the network supports and what to choose instead.
    """
    check_shape(owner, shape)
    if len(shape) == 3 and shape[1] == shape[2] and shape[1] in sizes:
        return
    given = f"points [{shape[0]}]" if len(shape) == 1 else f"{shape[1]}x{shape[2]}"
    remedy = "" if len(shape) == 1 else "set dataset.image_size or "
    supported = ", ".join(str(size) for size in sorted(sizes)[:-1])
    raise InputError(
        f"{type(owner).__name__} works on square images of {supported} or {max(sizes)} pixels,"
        f" not {given}: {remedy}choose network=mlp"
    )


def check_batch(owner: object, batch: Tensor, shape: tuple[int, ...]) -> None:
    """Refuse a batch whose samples have another shape than the network was built for.

    Raises:
        InputError: naming both shapes.
    """
    if batch.shape[1:] != shape:
        raise InputError(
            f"{type(owner).__name__} was built for batches [B, {', '.join(map(str, shape))}],"
            f" not {list(batch.shape)}"
        )
