"""A codebook: the nearest of K learnt vectors in place of each vector of a map.

Van den Oord et al. 2017 (arXiv 1711.00937), as VQGAN has it (Esser et al. 2021, arXiv 2012.09841).
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_not_negative, check_whole
from ganzoo.precision import at_least_float32


class Quantized(NamedTuple):
    """What a codebook makes of vectors.

    Attributes:
        codes: [B, D, ...], the nearest codes, in float32 or better. Gradients by them are passed
            on to the vectors as they are (straight through), and not to the codebook.
        indices: int64 [B, ...], which codes they are.
        losses: the weighted scalar terms ``"codebook"``, which draws codes to vectors, and
            ``"commitment"``, which draws vectors to codes.
    """

    codes: Tensor
    indices: Tensor
    losses: dict[str, Tensor]


@defaults_from("network/base/vqgan")
class VectorQuantizer(nn.Module):
    """The nearest code for each vector, by Euclidean distance, with straight-through gradients.

    Van den Oord et al. 2017 (arXiv 1711.00937), section 3.2: with vectors z, nearest codes e and sg
    for what passes no gradient, the losses are ``codebook_weight * mean (sg[z] - e)^2`` and
    ``commitment_weight * mean (z - sg[e])^2``. That paper takes 1 and beta = 0.25. The code of
    VQGAN, with which its models were trained, multiplies the other term by beta, by mistake: 0.25
    and 1, which are the defaults here. Codes start uniform in [-1/K, 1/K] in each coordinate.

    Distances are computed in float32 or better, also in mixed precision.

    Args:
        num_codes: K.
        code_dim: D, of vectors and codes.
        codebook_weight: of the loss that moves codes, at least 0.
        commitment_weight: of the loss that moves vectors, at least 0.

    Attributes:
        codebook: [K, D].

    Raises:
        InputError: if a number is out of range.
    """

    def __init__(
        self,
        *,
        num_codes: int = FROM_CONFIG,
        code_dim: int = FROM_CONFIG,
        codebook_weight: float = FROM_CONFIG,
        commitment_weight: float = FROM_CONFIG,
    ) -> None:
        super().__init__()
        check_whole(num_codes=num_codes, code_dim=code_dim)
        check_not_negative(codebook_weight=codebook_weight, commitment_weight=commitment_weight)
        self.num_codes, self.code_dim = num_codes, code_dim
        self.codebook_weight, self.commitment_weight = codebook_weight, commitment_weight
        self.codebook = nn.Parameter((2 * torch.rand(num_codes, code_dim) - 1) / num_codes)

    def forward(self, vectors: Tensor) -> Quantized:
        """Quantize vectors [B, D, ...], as those of a map [B, D, h, w].

        Raises:
            InputError: if the vectors have another dimension.
        """
        if vectors.dim() < 2 or vectors.shape[1] != self.code_dim:
            raise InputError(
                f"{type(self).__name__} takes vectors [B, {self.code_dim}, ...], "
                f"not {list(vectors.shape)}"
            )
        with torch.autocast(vectors.device.type, enabled=False):
            vectors = at_least_float32(vectors)
            indices = self._nearest(vectors.detach())
            codes = self._codes(indices).to(vectors.dtype)
            codebook = (codes - vectors.detach()).square().mean()
            commitment = (vectors - codes.detach()).square().mean()
        losses = {
            "codebook": self.codebook_weight * codebook,
            "commitment": self.commitment_weight * commitment,
        }
        return Quantized(vectors + (codes - vectors).detach(), indices, losses)

    def codes(self, indices: Tensor) -> Tensor:
        """Look codes [B, D, ...] up by indices [B, ...].

        Raises:
            InputError: if the indices are not whole numbers from 0 to K - 1.
        """
        if indices.is_floating_point() or indices.dtype == torch.bool:
            raise InputError(f"indices of codes are whole numbers, not {indices.dtype}")
        if indices.numel() and not 0 <= int(indices.min()) <= int(indices.max()) < self.num_codes:
            raise InputError(
                f"indices of codes must be from 0 to {self.num_codes - 1}, not "
                f"{int(indices.min())} to {int(indices.max())}"
            )
        return self._codes(indices)

    @torch.no_grad()
    def usage(self, indices: Tensor) -> dict[str, Tensor]:
        """Tell how much of the codebook a batch uses, without waiting for its device.

        Args:
            indices: of codes, of any shape, as :meth:`forward` returns them.

        Returns:
            Scalars on the indices' device: ``"perplexity"``, the exponential of the entropy of
            the codes' frequencies, from 1 to K, and ``"used"``, the share of codes that occur at
            all, in [0, 1].
        """
        ones = torch.ones(indices.numel(), device=indices.device)
        counts = ones.new_zeros(self.num_codes).index_add_(0, indices.flatten(), ones)
        entropy = torch.special.entr(counts / indices.numel()).sum()
        return {"perplexity": entropy.exp(), "used": (counts > 0).float().mean()}

    def _nearest(self, vectors: Tensor) -> Tensor:
        """Indices [B, ...] by squared distances, less the squares of the vectors."""
        codebook = self.codebook.detach().to(vectors.dtype)
        rows = vectors.movedim(1, -1)
        distances = codebook.square().sum(dim=1) - 2 * rows @ codebook.T
        return distances.argmin(dim=-1)

    def _codes(self, indices: Tensor) -> Tensor:
        return functional.embedding(indices, self.codebook).movedim(-1, 1)
