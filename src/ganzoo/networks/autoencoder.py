"""A discriminator that judges data by how well it can reconstruct them."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole
from ganzoo.networks.batch_statistics import BatchStatistics, NoBatchStatistics
from ganzoo.networks.initialization import Initialization
from ganzoo.networks.mlp import MLPDiscriminator, MLPGenerator
from ganzoo.networks.normalization import Normalization
from ganzoo.networks.shapes import check_batch
from ganzoo.precision import at_least_float32


@defaults_from("network/discriminator/autoencoder", beside="network/autoencoder")
class AutoencoderDiscriminator(nn.Module):
    """An auto-encoder whose reconstruction error is the energy of data.

    EBGAN (Zhao et al. 2017, arXiv 1609.03126, section 2.3) and BEGAN (Berthelot et al. 2017, arXiv
    1703.10717, section 3.1). The energy of a sample x of D numbers is the mean over them of

        |x - decoder(encoder(x))|^exponent,

    with exponent 1 for BEGAN's absolute and 2 for the squared error. It returns the logit whose
    ``softplus(-logit)`` is the energy, so that it plays with every loss; those of the two papers,
    `ganzoo.losses.Energy` and `ganzoo.losses.BoundaryEquilibrium`, take the energy back.

    Departures: fully connected halves (the papers' are convolutional), so that it works on points
    as on images; the mean over x's numbers, where EBGAN writes the Euclidean norm and BEGAN a
    norm without saying how it is scaled.

    Args:
        shape: [D] for points or [C, H, W] for images, which are flattened.
        code_dim: numbers in the code. As many as the data have leave nothing out: then the energy
            of all data falls to 0 unless the loss keeps that of generated data up.
        width: units of each hidden layer.
        depth: hidden layers of the encoder, and of the decoder.
        negative_slope: slope of LeakyReLU below zero; 0 is ReLU.
        exponent: of the error of each number, at least 1.
        outputs: 1, as there is one energy.
        batch_statistics: none, as no layer judges features.
        normalization: as of the two networks of `ganzoo.networks.mlp`.
        initialization: called on both halves.

    Raises:
        InputError: if a number is out of range, there are batch statistics, or the shape is
            neither points nor images.
    """

    def __init__(
        self,
        *,
        shape: Sequence[int],
        code_dim: int = FROM_CONFIG,
        width: int = FROM_CONFIG,
        depth: int = FROM_CONFIG,
        negative_slope: float = FROM_CONFIG,
        exponent: float = FROM_CONFIG,
        outputs: int = FROM_CONFIG,
        batch_statistics: BatchStatistics = FROM_CONFIG,
        normalization: Normalization = FROM_CONFIG,
        initialization: Initialization = FROM_CONFIG,
    ) -> None:
        super().__init__()
        check_whole(code_dim=code_dim)
        _check_one_energy(outputs, batch_statistics)
        if not 1 <= exponent < float("inf"):
            raise InputError(f"exponent must be a number from 1 up, not {exponent}")
        self.encoder = MLPDiscriminator(
            shape=shape,
            width=width,
            depth=depth,
            negative_slope=negative_slope,
            outputs=code_dim,
            batch_statistics=NoBatchStatistics(),
            normalization=normalization,
            initialization=initialization,
        )
        self.decoder = MLPGenerator(
            latent_dim=code_dim,
            shape=shape,
            width=width,
            depth=depth,
            negative_slope=negative_slope,
            normalization=normalization,
            initialization=initialization,
        )
        self.shape = tuple(shape)
        self.exponent = exponent

    def reconstruct(self, data: Tensor) -> Tensor:
        """Map data [B, ...] through the code to data of the same shape (images in [-1, 1])."""
        code = self.encoder(data).view(len(data), -1)
        reconstruction: Tensor = self.decoder(code)
        return reconstruction

    def forward(self, data: Tensor) -> Tensor:
        """Map points [B, D] or images [B, C, H, W] to logits [B] in float32 or better."""
        check_batch(self, data, self.shape)
        residual = at_least_float32(data) - at_least_float32(self.reconstruct(data))
        energies = residual.abs().pow(self.exponent).flatten(1).mean(dim=1)
        return logit_of_energy(energies)


def logit_of_energy(energies: Tensor) -> Tensor:
    """Return the logits [B] of which ``softplus(-logit)`` is the energies [B], at least 0.

    It is -log(exp(e) - 1), which neither overflows for large energies nor cancels for small ones
    when written as -e - log(1 - exp(-e)). An energy of 0 counts as the smallest normal number.
    """
    positive = energies.clamp(min=torch.finfo(energies.dtype).tiny)
    return -positive - torch.log(-torch.expm1(-positive))


def _check_one_energy(outputs: int, batch_statistics: BatchStatistics) -> None:
    if outputs != 1:
        raise InputError(
            f"an auto-encoder has one output, its reconstruction error, not {outputs}:"
            " choose network=mlp, dcgan or resnet"
        )
    if batch_statistics.layer(1)[1] != 1:
        raise InputError(
            "an auto-encoder has no last layer to be told of the batch: choose"
            " network.discriminator.batch_statistics=none, or penalty=pulling_away, which compares"
            " its codes"
        )
