"""Orthogonal regularisation of the filters of each layer, in two forms."""

import torch
from torch import Tensor

from ganzoo.defaults import defaults_from
from ganzoo.penalties.weights import WeightPenalty


@defaults_from("penalty/orthogonal")
class Orthogonal(WeightPenalty):
    """Make the filters of each layer orthogonal: ``sum ||W W^T * (1 - I)||_F^2``.

    Brock et al. (2018, arXiv:1809.11096), section 3.1, with a weight of 1e-4: pairs of
    filters (rows of W) shall have small inner products, their norms are left free. In the paper
    this is for the generator, so that it also works for truncated latents.

    Departures: none. The authors' code adds gradients of half this size.
    """

    def value_of(self, weights: list[Tensor]) -> Tensor:
        """Sum the squared inner products of different filters, over all layers."""
        return torch.stack([self.violation(weight @ weight.T) for weight in weights]).sum()

    def violation(self, products: Tensor) -> Tensor:
        """Sum the squares of the entries ``[out, out]`` that should be zero."""
        return (products - products.diagonal().diag()).square().sum()


@defaults_from("penalty/orthonormal")
class Orthonormal(Orthogonal):
    """Make the filters of each layer orthogonal and of norm 1: ``sum ||W W^T - I||_F^2``.

    Brock et al. (2016, arXiv:1609.07093), in the form in which Brock et al. (2018,
    arXiv:1809.11096, section 3.1) give it. Departure: the first paper writes the sum of the
    absolute values in place of squares.
    """

    def violation(self, products: Tensor) -> Tensor:
        """Sum the squared differences to the identity."""
        identity = torch.eye(len(products), dtype=products.dtype, device=products.device)
        return (products - identity).square().sum()
