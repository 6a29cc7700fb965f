"""Weights that are not float32, by ``Trainer(precision="bf16-true")`` or ``model.double()``."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from ganzoo.errors import InputError
from ganzoo.optim.base import UpdateRule


def cast_inputs(model: nn.Module) -> list[RemovableHandle]:
    """Let each layer whose weights are not float32 take inputs of any floating point type.

    Latents, labels' codes, data and what is computed from them stay in float32 between layers,
    where that is what the code makes of them; so penalties have float32 gradients by the data.

    Returns:
        What takes this back; nothing where all weights are float32.
    """
    return [
        module.register_forward_pre_hook(_cast)
        for module in model.modules()
        if _weight_type(module) not in (None, torch.float32)
    ]


def check_precision(
    optimizers: Iterable[Optimizer], update_rule: UpdateRule, *, scaled: bool
) -> None:
    """Refuse to train half precision weights by what that precision has no numbers for.

    Args:
        optimizers: The players' optimizers.
        update_rule: How the players step.
        scaled: Whether a gradient scaler is at work.

    Raises:
        InputError: if float16 holds an optimizer's epsilon as 0, a rule differentiates gradients
            of half precision weights, or float16 gradients were to be scaled.
    """
    groups = [group for optimizer in optimizers for group in optimizer.param_groups]
    types = {parameter.dtype for group in groups for parameter in group["params"]}
    if scaled and torch.float16 in types:
        raise InputError(
            "precision 16-mixed needs weights in float32, these are float16: call model.float()"
        )
    if types & {torch.float16, torch.bfloat16} and update_rule.differentiates_twice:
        rule = getattr(update_rule, "update_rule", update_rule)  # between two looks back
        raise InputError(
            f"{type(rule).__name__} differentiates gradients, which needs weights in float32: "
            "set trainer.precision=bf16-mixed, or 32-true"
        )
    if torch.float16 in types:
        _check_epsilons(groups)


def _check_epsilons(groups: Sequence[dict[str, Any]]) -> None:
    smallest = torch.finfo(torch.float16).tiny
    small = [group["eps"] for group in groups if group.get("eps", 1.0) < smallest]
    if small:
        raise InputError(
            f"weights in float16 cannot be trained with an optimizer's eps of {small[0]}, which "
            "float16 rounds to 0: set trainer.precision=bf16-true or 16-mixed, or an eps of 1e-4"
        )


def _weight_type(module: nn.Module) -> torch.dtype | None:
    """The type of a layer's own weights; None of a module that only holds other modules."""
    if not module._parameters and not hasattr(module, "parametrizations"):
        return None
    types = (weight.dtype for weight in module.parameters() if weight.is_floating_point())
    return next(types, None)


def _cast(module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    wanted = _weight_type(module)
    return tuple(
        value.to(wanted) if isinstance(value, Tensor) and value.is_floating_point() else value
        for value in inputs
    )
