"""Optimistic optimizers, which expect the next gradient to change as the last one did."""

from collections.abc import Callable, Sequence
from typing import Any, overload

import torch
from torch import Tensor
from torch.optim import SGD, Adam, Optimizer

from ganzoo.defaults import FROM_CONFIG, defaults_from


class Optimistic(Optimizer):
    """Beside one of torch's optimizers: each step is twice the new one minus the last one.

    Where torch's optimizer would move a parameter by ``d_t``, it moves by ``2 d_t - d_{t-1}``,
    and ``d_{-1} = 0``. What torch's optimizer remembers, and its learning rates, are as without.
    A parameter without a gradient stays, and so does what is known of its last step.
    """

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Move the parameters that have gradients.

        Args:
            closure: Computes gradients before the step, and the loss; None: they are there.

        Returns:
            The closure's loss, or None.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        with torch.set_grad_enabled(bool(self.defaults.get("differentiable"))):
            self._step()
        return loss

    def _step(self) -> None:
        groups = self.param_groups
        moving = [p for group in groups for p in group["params"] if p.grad is not None]
        before = [parameter.clone() for parameter in moving]
        super().step()
        for parameter, start in zip(moving, before, strict=True):
            state = self.state[parameter]
            step, last = parameter - start, state.get("last_step")
            state["last_step"] = step
            parameter.add_(step if last is None else step - last)


@defaults_from("optimizer/optimistic_adam")
class OptimisticAdam(Optimistic, Adam):
    """Optimistic Adam.

    Daskalakis et al. (2018), "Training GANs with Optimism", algorithm 1 (arXiv 1711.00141), whose
    moments before the first step are zero: the first step is twice Adam's. Both the new and the
    last direction are scaled by the moments and the learning rate of their own time.

    Args:
        params: The parameters, or groups of them.
        lr: The learning rate.
        betas: Decay rates of the first and of the second moment.
        settings: Other arguments of ``torch.optim.Adam``.
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = FROM_CONFIG,
        betas: Sequence[float] = FROM_CONFIG,
        **settings: Any,
    ) -> None:
        super().__init__(params, lr=lr, betas=(betas[0], betas[1]), **settings)


@defaults_from("optimizer/optimistic_sgd")
class OptimisticSGD(Optimistic, SGD):
    """Optimistic gradient descent: ``w <- w - 2 lr g_t + lr g_{t-1}``.

    Daskalakis et al. (2018), section 2 (arXiv 1711.00141). On a bilinear game it converges with
    players that move at once, where gradient descent diverges. The first step is twice that of
    gradient descent.

    Args:
        params: The parameters, or groups of them.
        lr: The learning rate.
        momentum: Of the steps, at least 0.
        settings: Other arguments of ``torch.optim.SGD``.
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = FROM_CONFIG,
        momentum: float = FROM_CONFIG,
        **settings: Any,
    ) -> None:
        super().__init__(params, lr=lr, momentum=momentum, **settings)
