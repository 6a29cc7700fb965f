import pytest
import torch
from torch.nn import functional

from ganzoo.errors import InputError
from ganzoo.networks.normalization import BatchNorm, InstanceNorm, LayerNorm, NoNorm, SpectralNorm
from ganzoo.networks.patchgan import PatchGANDiscriminator, PixelDiscriminator
from ganzoo.networks.virtual_batch import VirtualBatchNorm

NORMS = [
    NoNorm(),
    BatchNorm(),
    LayerNorm(),
    InstanceNorm(affine=False),
    SpectralNorm(),
    VirtualBatchNorm(reference_size=2),
]


def patchgan(**changes):
    torch.manual_seed(0)
    arguments = {"shape": [3, 32, 48], "width": 4, "downsamplings": 3}
    return PatchGANDiscriminator(**arguments | changes)


@pytest.mark.parametrize("normalization", NORMS, ids=lambda norm: type(norm).__name__)
@pytest.mark.parametrize(("kind", "expected"), [(patchgan, (2, 4)), (PixelDiscriminator, (32, 48))])
def test_pictures_become_maps_of_logits_and_all_parameters_learn(kind, expected, normalization):
    network = kind(shape=[3, 32, 48], width=4, normalization=normalization)
    logits = network(torch.rand(2, 3, 32, 48))
    assert logits.shape == (2, 1, *expected)
    logits.square().sum().backward()
    assert all(p.grad is not None for p in network.parameters())


@pytest.mark.parametrize(("downsamplings", "field"), [(1, 16), (2, 34), (3, 70), (5, 286)])
def test_a_logit_sees_a_patch_of_the_papers_size(downsamplings, field):
    side = field + 66
    network = patchgan(
        shape=[1, side, side], width=1, downsamplings=downsamplings, normalization=NoNorm()
    )
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(1.0)
    images = torch.rand(1, 1, side, side).requires_grad_()
    logits = network(images)
    row, column = (length // 2 for length in logits.shape[2:])
    logits[0, 0, row, column].backward()
    rows, columns = images.grad[0, 0].nonzero().unbind(1)
    assert rows.max() - rows.min() + 1 == columns.max() - columns.min() + 1 == field


def test_a_logit_of_pixels_sees_its_pixel():
    network = PixelDiscriminator(shape=[3, 5, 7], width=4, normalization=NoNorm())
    images = torch.rand(2, 3, 5, 7).requires_grad_()
    network(images)[1, 0, 2, 3].backward()
    assert images.grad.abs().sum(1).nonzero().tolist() == [[1, 2, 3]]


def test_it_is_the_function_of_the_papers_appendix():
    """Two downsamplings by hand: C4 without normalisation, C8, C16 of stride 1, one channel."""
    network = patchgan(downsamplings=2, normalization=InstanceNorm(affine=False))
    layers = list(zip(*[iter(network.parameters())] * 2, strict=True))
    images = torch.rand(2, 3, 32, 48)
    hidden = functional.leaky_relu(functional.conv2d(images, *layers[0], 2, 1), 0.2)
    for layer, stride in ((layers[1], 2), (layers[2], 1)):
        normalised = functional.instance_norm(functional.conv2d(hidden, *layer, stride, 1))
        hidden = functional.leaky_relu(normalised, 0.2)
    torch.testing.assert_close(network(images), functional.conv2d(hidden, *layers[3], 1, 1))


def test_channels_stop_growing_at_eight_times_the_width():
    network = patchgan(shape=[1, 256, 256], downsamplings=5, width=2)
    widths = [p.shape[0] for p in network.parameters() if p.dim() == 4]
    assert widths == [2, 4, 8, 16, 16, 16, 1]


@pytest.mark.parametrize("downsamplings", [1, 2, 3, 4])
def test_the_smallest_pictures_have_one_logit(downsamplings):
    least = 3 * 2**downsamplings
    network = patchgan(shape=[3, least, least], downsamplings=downsamplings)
    assert network(torch.rand(2, 3, least, least)).shape == (2, 1, 1, 1)
    with pytest.raises(InputError, match=f"of {least} pixels and more, not {least}x{least - 1}"):
        network(torch.rand(2, 3, least, least - 1))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"shape": [3, 8, 8]}, "24 pixels and more, not 8x8.*image_size=24 or more.*samplings=1$"),
        ({"shape": [3, 4, 4]}, "not 4x4: set dataset.image_size=24 or more$"),
        ({"shape": [2]}, "works on images, not points"),
        ({"downsamplings": 0}, "downsamplings must be"),
        ({"width": 0.5}, "width must be"),
        ({"negative_slope": float("nan")}, "negative_slope must be"),
    ],
)
def test_what_cannot_be_built(changes, said):
    with pytest.raises(InputError, match=said):
        patchgan(**changes)


@pytest.mark.parametrize("kind", [patchgan, PixelDiscriminator])
def test_other_channels_are_refused(kind):
    network = kind(shape=[6, 32, 32], width=4)
    with pytest.raises(InputError, match=r"built for images \[B, 6, H, W\], not \[2, 3, 32, 32\]"):
        network(torch.rand(2, 3, 32, 32))
