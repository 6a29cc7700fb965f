"""Steps of an optimizer as part of a computation graph, and networks that run with the results."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ganzoo.errors import InputError

Result = TypeVar("Result")


class DifferentiableSteps:
    """A copy of an optimizer that steps with copies of its parameters, as part of a graph.

    The copy has the class, the current rates and the state (momentum, running squares) of the
    optimizer, which itself stays as it is. torch's optimizers with ``differentiable=True`` write
    into parameters and state, where earlier steps have saved what their backward needs: each
    step therefore works on new copies.

    Args:
        optimizer: One of torch's own that has the argument ``differentiable``.

    Raises:
        InputError: if it has not.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        if "differentiable" not in optimizer.defaults:
            raise InputError(
                f"no gradient flows through the steps of {type(optimizer).__name__}: give the "
                "discriminator torch's SGD, Adam, AdamW or RMSprop"
            )
        self._kind: Any = type(optimizer)
        self._groups = [
            group | {"params": len(group["params"]), "differentiable": True, "foreach": False}
            for group in optimizer.param_groups
        ]
        for group in self._groups:
            if "fused" in group:
                group["fused"] = False
        self._parameters = [p for group in optimizer.param_groups for p in group["params"]]
        self._states = [_copied(optimizer.state.get(p, {})) for p in self._parameters]

    def names(self, network: nn.Module) -> list[str]:
        """The names that the parameters have in a network, in the optimizer's order."""
        names = {id(parameter): name for name, parameter in network.named_parameters()}
        return [names[id(parameter)] for parameter in self._parameters]

    def start(self) -> list[Tensor]:
        """Copies of the parameters as they are now."""
        return [p.detach().clone().requires_grad_() for p in self._parameters]

    def step(self, weights: Sequence[Tensor], gradients: Sequence[Tensor]) -> list[Tensor]:
        """The weights after one more step along minus the gradients, both in the same order."""
        following = [weight.clone() for weight in weights]
        for weight, gradient in zip(following, gradients, strict=True):
            weight.retain_grad()  # else torch warns that such a tensor has no gradient
            weight.grad = flat_at_zero(gradient)
        rest = iter(following)
        optimizer = self._kind(
            [g | {"params": [next(rest) for _ in range(g["params"])]} for g in self._groups],
            differentiable=True,
        )
        for weight, state in zip(following, self._states, strict=True):
            optimizer.state[weight] = _copied(state)
        optimizer.step()
        self._states = [optimizer.state[weight] for weight in following]
        for weight in following:
            weight.grad = None
        return following


def flat_at_zero(gradient: Tensor) -> Tensor:
    """The gradient, for a step whose slope is taken as zero where it is infinite at zero.

    Adam and RMSprop divide by the root of a running mean of squares. A weight that has never had
    a gradient, as those of a unit that is always off, has the mean 0, where the root's slope is
    infinite, and infinity times zero is no number. Where the square of the gradient is below what
    its data type can hold, a slope that is not finite becomes zero; all others pass, so that an
    overflow is seen.
    """
    if gradient.requires_grad:
        vanishing = gradient.detach().square() < torch.finfo(gradient.dtype).tiny
        gradient = gradient.clone()
        gradient.register_hook(  # type: ignore[no-untyped-call]
            lambda slope: slope.masked_fill(vanishing & ~slope.isfinite(), 0.0)
        )
    return gradient


def called_with(
    model: nn.Module, tensors: Mapping[str, Tensor], function: Callable[[], Result]
) -> Result:
    """Call a function while a module runs with other parameters and buffers.

    Args:
        model: The module, which is put back as it was.
        tensors: What takes the place of its parameters and buffers, by their names in it.
        function: What is called.
    """
    named = {f"model.{name}": tensor for name, tensor in tensors.items()}
    result: Result = torch.func.functional_call(_Caller(model), named, (function,))
    return result


class _Caller(nn.Module):
    """Lets ``functional_call`` (torch's, for a forward pass) run any function of a module."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, function: Callable[[], Result]) -> Result:
        return function()


def _copied(state: Mapping[str, Any]) -> dict[str, Any]:
    return {key: v.clone() if isinstance(v, Tensor) else v for key, v in state.items()}
