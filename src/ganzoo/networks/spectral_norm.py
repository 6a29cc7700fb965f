"""torch's spectral normalisation, made right under ``torch.compile``."""

import torch
from torch import Tensor
from torch.nn.functional import normalize
from torch.nn.utils.parametrizations import _SpectralNorm


@torch.library.custom_op("ganzoo::power_iteration", mutates_args=())
def power_iteration(matrix: Tensor, v: Tensor, steps: int, eps: float) -> tuple[Tensor, Tensor]:
    """Singular vectors [O] and [I] of a matrix [O, I] after steps of the power method from [I]."""
    u = matrix.new_empty(0)
    for _ in range(steps):
        u = normalize(matrix.mv(v), dim=0, eps=eps)
        v = normalize(matrix.t().mv(u), dim=0, eps=eps)
    return u, v


@power_iteration.register_fake
def _(matrix: Tensor, v: Tensor, steps: int, eps: float) -> tuple[Tensor, Tensor]:
    return matrix.new_empty(matrix.shape[0]), torch.empty_like(v)


class CompilableSpectralNorm(_SpectralNorm):
    """torch's parametrisation, whose compiled power method is one opaque operation.

    torch.compile (seen in torch 2.11 and 2.15) computes the steps of the power method again in the
    backward pass, from buffers that have been overwritten by then: an error after two forward
    passes, a slightly wrong gradient after one. What is opaque is kept instead.
    """

    def _power_method(self, weight_mat: Tensor, n_power_iterations: int) -> None:
        if not torch.compiler.is_compiling():
            super()._power_method(weight_mat, n_power_iterations)
            return
        with torch.no_grad():
            u, v = power_iteration(weight_mat, self._v, n_power_iterations, self.eps)
            self._u.copy_(u)
            self._v.copy_(v)
