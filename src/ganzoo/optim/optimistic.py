"""Optimistic optimizers, which expect the next gradient to change as the last one did."""

from collections.abc import Callable
from typing import overload

import torch
from torch.optim import Optimizer

from ganzoo.defaults import defaults_from
from ganzoo.optim.momentum import MomentumAdam, MomentumSGD


class Optimistic(Optimizer):
    """Beside one of torch's optimizers: each step is twice the new one minus the last one.

    Where torch's optimizer would change a parameter by ``d_t``, it changes by ``2 d_t - d_{t-1}``,
    and ``d_{-1} = 0``. What torch's optimizer remembers, and its learning rates, are as without.
    A parameter without a gradient stays, and so does what is known of its last step.
    """

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Step with the parameters that have gradients.

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
        stepping = [p for group in groups for p in group["params"] if p.grad is not None]
        before = [parameter.clone() for parameter in stepping]
        super().step()
        for parameter, start in zip(stepping, before, strict=True):
            state = self.state[parameter]
            step, last = parameter - start, state.get("last_step")
            state["last_step"] = step
            parameter.add_(step if last is None else step - last)


@defaults_from("optimizer/optimistic_adam")
class OptimisticAdam(Optimistic, MomentumAdam):
    """Optimistic Adam.

    Daskalakis et al. (2018), "Training GANs with Optimism", algorithm 1 (arXiv 1711.00141), whose
    moments before the first step are zero: the first step is twice Adam's. Both the new and the
    last direction are scaled by the moments and the learning rate of their own time.

    Args:
        params: see :class:`~ganzoo.optim.momentum.MomentumAdam`, as all others.
    """


@defaults_from("optimizer/optimistic_sgd")
class OptimisticSGD(Optimistic, MomentumSGD):
    """Optimistic gradient descent: ``w <- w - 2 lr g_t + lr g_{t-1}``.

    Daskalakis et al. (2018), section 2 (arXiv 1711.00141). On a bilinear game it converges with
    players that step at once, where gradient descent diverges. The first step is twice that of
    gradient descent.

    Args:
        params: see :class:`~ganzoo.optim.momentum.MomentumSGD`, as all others.
    """
