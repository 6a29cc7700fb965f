"""The choice of normalisation: what is done to a layer's weight and to its outputs.

A normalisation is a stateless object; the modules it makes belong to the network. It is a choice
of its own so that a paper's comparison (batch against spectral) changes one word of a config.
"""

from torch import Tensor, nn
from torch.nn.utils import parametrize

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_positive, check_whole
from ganzoo.networks.spectral_norm import CompilableSpectralNorm


class Normalization:
    """What networks ask of a normalisation. By itself it changes nothing.

    Attributes:
        replaces_bias: True where the normalisation removes each feature's mean and adds a shift of
            its own, so that a bias of the layer before it could have no effect.
    """

    replaces_bias = False

    def weighted(self, module: nn.Module) -> nn.Module:
        """Return the linear or convolution layer with its weight normalised."""
        return module

    def activations(self, features: int, dimensions: int) -> nn.Module:
        """Return the module that normalises a layer's outputs, shapes unchanged.

        Args:
            features: F, the number of features or channels.
            dimensions: 0 for vectors [B, F], 2 for feature maps [B, F, H, W].
        """
        return nn.Identity()

    def attach(self, network: nn.Module, input_shape: tuple[int, ...]) -> None:
        """Add to a network what its layers need of it as a whole; it is otherwise complete.

        Args:
            network: all of the network that the layers are part of.
            input_shape: of one sample of its input, without the batch axis.
        """


class NoNorm(Normalization):
    """No normalisation, as in the critic of WGAN-GP (arXiv 1704.00028, section 4)."""


@defaults_from("network/normalization/batch")
class BatchNorm(Normalization):
    """Batch normalisation (Ioffe and Szegedy 2015, arXiv 1502.03167) with a learnt scale and shift.

    Args:
        eps: added to the variance.
        momentum: share of the new batch in the running mean and variance, in (0, 1].
    """

    replaces_bias = True

    def __init__(self, *, eps: float = FROM_CONFIG, momentum: float = FROM_CONFIG) -> None:
        check_positive(eps=eps, momentum=momentum)
        if momentum > 1:
            raise InputError(f"momentum of batch normalization is at most 1, not {momentum}")
        self.eps, self.momentum = eps, momentum

    def activations(self, features: int, dimensions: int) -> nn.Module:
        """Return BatchNorm1d for vectors, BatchNorm2d for maps."""
        module = nn.BatchNorm2d if dimensions else nn.BatchNorm1d
        return module(features, eps=self.eps, momentum=self.momentum)


@defaults_from("network/normalization/layer")
class LayerNorm(Normalization):
    """Layer normalisation (Ba et al. 2016, arXiv 1607.06450) over all axes but the batch.

    On maps one mean and variance are taken over C, H and W of each sample and each channel has its
    scale and shift, as in the code of WGAN-GP (arXiv 1704.00028), which recommends it for critics:
    unlike batch normalisation it does not tie the samples of a batch together.

    Args:
        eps: added to the variance.
    """

    def __init__(self, *, eps: float = FROM_CONFIG) -> None:
        check_positive(eps=eps)
        self.eps = eps

    def activations(self, features: int, dimensions: int) -> nn.Module:
        """Return LayerNorm for vectors; for maps GroupNorm of one group, which is the same sum."""
        if dimensions:
            return nn.GroupNorm(1, features, eps=self.eps)
        return nn.LayerNorm(features, eps=self.eps)


@defaults_from("network/normalization/instance")
class InstanceNorm(Normalization):
    """Instance normalisation (Ulyanov et al. 2016, arXiv 1607.08022), with learnt scale and shift.

    Each channel of each sample is normalised over H and W, so it has no meaning for vectors. There
    are no running statistics: it does the same in training and after.

    Args:
        eps: added to the variance.
        affine: whether it has a scale and a shift. Without them, as in CycleGAN's code (arXiv
            1703.10593), layers keep their biases, which have no effect before it.
    """

    def __init__(self, *, eps: float = FROM_CONFIG, affine: bool = FROM_CONFIG) -> None:
        check_positive(eps=eps)
        self.eps, self.affine = eps, affine
        self.replaces_bias = affine

    def activations(self, features: int, dimensions: int) -> nn.Module:
        """Return InstanceNorm2d.

        Raises:
            InputError: for vectors.
        """
        if not dimensions:
            raise InputError(
                "instance normalization works on feature maps, not on vectors:"
                " choose batch, layer, spectral or none, or network=dcgan"
            )
        return nn.InstanceNorm2d(features, eps=self.eps, affine=self.affine)


@defaults_from("network/normalization/spectral")
class SpectralNorm(Normalization):
    """Spectral normalisation of the weights (Miyato et al. 2018, arXiv 1802.05957, algorithm 1).

    torch's own parametrisation: the weight is divided by an estimate of its largest singular
    value, taken over the flattened kernel as in the paper and renewed at each training forward.
    torch cannot pickle a parametrised module; its state_dict and deepcopy work.

    Args:
        power_iterations: steps of the power method at each forward (the paper takes 1).
    """

    def __init__(self, *, power_iterations: int = FROM_CONFIG) -> None:
        check_whole(power_iterations=power_iterations)
        self.power_iterations = power_iterations

    def weighted(self, module: nn.Module) -> nn.Module:
        """Return the layer itself, its weight parametrised."""
        weight = module.weight
        assert isinstance(weight, Tensor)
        transposed = isinstance(module, nn.ConvTranspose2d)
        norm = CompilableSpectralNorm(weight, self.power_iterations, dim=int(transposed))
        return parametrize.register_parametrization(module, "weight", norm)
