import copy
import pickle
from functools import partial

import pytest
import torch

from ganzoo.errors import InputError
from ganzoo.networks.batch_statistics import NoBatchStatistics
from ganzoo.networks.conditional import LabelCodeDiscriminator, LabelCodeGenerator
from ganzoo.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from ganzoo.networks.initialization import HeUniform, XavierUniform
from ganzoo.networks.label_codes import EmbeddedLabels, OneHotLabels, one_hot
from ganzoo.networks.mlp import MLPDiscriminator, MLPGenerator
from ganzoo.networks.normalization import NoNorm
from ganzoo.networks.resnet import ResNetDiscriminator, ResNetGenerator

POINTS, DIGITS, PHOTOS = [2], [1, 8, 8], [3, 32, 32]
ANY = {"normalization": NoNorm(), "initialization": HeUniform(negative_slope=0.2), "width": 8}
SLOPE = {"negative_slope": 0.2}
JUDGED = {"outputs": 1, "batch_statistics": NoBatchStatistics()}
RESIDUAL = {"residual_initialization": XavierUniform(gain=1.0)}
FAMILIES = [
    (
        POINTS,
        partial(MLPGenerator, depth=2, **ANY, **SLOPE),
        partial(MLPDiscriminator, depth=2, **ANY, **SLOPE, **JUDGED),
    ),
    (
        DIGITS,
        partial(MLPGenerator, depth=2, **ANY, **SLOPE),
        partial(MLPDiscriminator, depth=2, **ANY, **SLOPE, **JUDGED),
    ),
    (DIGITS, partial(DCGANGenerator, **ANY), partial(DCGANDiscriminator, **ANY, **SLOPE, **JUDGED)),
    (
        PHOTOS,
        partial(ResNetGenerator, **ANY, **RESIDUAL),
        partial(ResNetDiscriminator, **ANY, **RESIDUAL, **JUDGED),
    ),
]


def conditional_generator(family, latent_dim=4, num_classes=5):
    shape, network, _ = family
    torch.manual_seed(0)
    bound = partial(network, latent_dim=latent_dim, shape=shape)
    return LabelCodeGenerator(
        network=bound, latent_dim=latent_dim, label_code=OneHotLabels(num_classes=num_classes)
    )


def conditional_discriminator(family, num_classes=5):
    shape, _, network = family
    torch.manual_seed(0)
    bound = partial(network, shape=shape)
    return LabelCodeDiscriminator(
        network=bound, shape=shape, label_code=OneHotLabels(num_classes=num_classes)
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_shapes_and_dependence_on_labels(family):
    images, logits = conditional_generator(family), conditional_discriminator(family)
    latents, labels = torch.randn(5, 4), torch.arange(5)
    data = images(latents, labels)
    assert data.shape == (5, *family[0])
    assert logits(data, labels).shape == (5,)
    others = (labels + 1) % 5
    assert not torch.allclose(images(latents, others), data)
    assert not torch.allclose(logits(data, others), logits(data, labels))


@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_reach_all_parameters(family):
    images, logits = conditional_generator(family), conditional_discriminator(family)
    latents, labels = torch.randn(5, 4), torch.arange(5)
    logits(images(latents, labels), labels).square().sum().backward()
    for network in (images, logits):
        assert all(value.grad.abs().max() > 0 for value in network.parameters())


def test_networks_see_the_label_as_one_hot_numbers_and_constant_maps():
    seen = []

    class Spy(torch.nn.Module):
        def __init__(self, **arguments):
            super().__init__()
            seen.append(arguments)

        def forward(self, batch):
            seen.append(batch)
            return batch

    labels = torch.tensor([2, 0])
    LabelCodeGenerator(network=Spy, latent_dim=4, label_code=OneHotLabels(num_classes=3))(
        torch.ones(2, 4), labels
    )
    assert seen[0] == {"latent_dim": 7}
    assert seen[1].tolist() == [[1, 1, 1, 1, 0, 0, 1], [1, 1, 1, 1, 1, 0, 0]]

    seen.clear()
    images = torch.randn(2, 1, 2, 3)
    LabelCodeDiscriminator(network=Spy, shape=[1, 2, 3], label_code=OneHotLabels(num_classes=3))(
        images, labels
    )
    assert seen[0] == {"shape": [4, 2, 3]}
    assert torch.equal(seen[1][:, :1], images)
    maps = seen[1][:, 1:]
    assert maps.shape == (2, 3, 2, 3)
    assert maps.dtype == torch.float32
    assert maps.sum(dim=(2, 3)).tolist() == [[0, 0, 6], [6, 0, 0]]

    seen.clear()
    LabelCodeDiscriminator(network=Spy, shape=(2,), label_code=OneHotLabels(num_classes=3))(
        torch.ones(2, 2), labels
    )
    assert seen[0] == {"shape": [5]}
    assert seen[1].tolist() == [[1, 1, 0, 0, 1], [1, 1, 1, 0, 0]]


def test_the_gradient_with_respect_to_data_has_the_data_s_shape():
    # What a gradient penalty differentiates is the data, not the label maps beside it.
    logits = conditional_discriminator(FAMILIES[2])
    data = torch.randn(3, *DIGITS, requires_grad=True)
    output = logits(data, torch.arange(3)).sum()
    (gradient,) = torch.autograd.grad(output, data, create_graph=True)
    assert gradient.shape == data.shape
    gradient.square().sum().backward()
    assert logits.network.layers[0].weight.grad.abs().max() > 0


def test_networks_copy_and_pickle():
    network = conditional_generator(FAMILIES[0])
    latents, labels = torch.randn(5, 4), torch.arange(5)
    for twin in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert torch.equal(twin(latents, labels), network(latents, labels))


@pytest.mark.parametrize("label", [-1, 5, 100])
def test_a_label_out_of_range_is_refused_in_one_line(label):
    labels = torch.tensor([0, label])
    message = f"label {label} is out of range: 5 classes have labels 0 to 4"
    with pytest.raises(InputError, match=message) as error:
        conditional_generator(FAMILIES[0])(torch.randn(2, 4), labels)
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match=message):
        conditional_discriminator(FAMILIES[0])(torch.randn(2, 2), labels)


def test_labels_on_another_device_are_not_looked_at():
    assert one_hot(torch.full((3,), 7, device="meta"), 5).shape == (3, 5)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: conditional_generator(FAMILIES[0], num_classes=None),
            "needs a data set with classes: choose a labelled data set",
        ),
        (
            lambda: conditional_discriminator(FAMILIES[0], num_classes=None),
            "needs a data set with classes",
        ),
        (lambda: conditional_discriminator(FAMILIES[0], num_classes=0), "num_classes must be"),
        (lambda: conditional_generator(FAMILIES[0], latent_dim=0), "latent_dim must be"),
        (
            lambda: conditional_generator(FAMILIES[0])(torch.randn(2, 9), torch.zeros(2).long()),
            r"LabelCodeGenerator was built for batches \[B, 4\], not \[2, 9\]",
        ),
        (
            lambda: conditional_discriminator(FAMILIES[2])(torch.randn(2, 2), torch.arange(2)),
            r"LabelCodeDiscriminator was built for batches \[B, 1, 8, 8\], not \[2, 2\]",
        ),
        (
            lambda: LabelCodeDiscriminator(
                network=partial(DCGANDiscriminator, **ANY, **SLOPE, **JUDGED),
                shape=[1, 30, 30],
                label_code=OneHotLabels(num_classes=3),
            ),
            "not 30x30",
        ),
    ],
)
def test_wrong_input_is_refused_in_one_line(build, message):
    with pytest.raises(InputError, match=message) as error:
        build()
    assert "\n" not in str(error.value)


def test_an_embedding_of_the_label_is_learnt_beside_the_network():
    code = EmbeddedLabels(num_classes=3, embedding_dim=5)
    generator = LabelCodeGenerator(
        network=lambda latent_dim: torch.nn.Linear(latent_dim, 2), latent_dim=4, label_code=code
    )
    latents, labels = torch.randn(6, 4), torch.tensor([0, 2, 1, 1, 0, 2])
    vectors = code(labels)
    torch.testing.assert_close(
        generator(latents, labels), generator.network(torch.cat([latents, vectors], 1))
    )
    generator(latents, labels).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in code.parameters())
