"""StyleGAN2's generator as a whole, of any size of pictures, with and without labels."""

import pytest
import torch

from ganzoo.composition.compose import build, compose_config
from ganzoo.errors import InputError
from ganzoo.networks.conditional import LabelCodeDiscriminator
from ganzoo.networks.style import StyleGenerator, labelled_generator

SMALL = {"latent_dim": 6, "width": 4, "style_dim": 8}


@pytest.mark.parametrize(
    ("shape", "first", "styles"),
    [
        ([1, 8, 8], (4, 4), 4),
        ([1, 28, 28], (7, 7), 6),
        ([3, 32, 32], (4, 4), 8),
        ([2, 48, 64], (3, 4), 10),
    ],
)
def test_sizes(shape, first, styles):
    network = StyleGenerator(shape=shape, **SMALL)
    latents = torch.randn(2, 6)
    assert network.synthesis.constant.shape[1:] == first
    assert network.mapping(latents).shape == (2, styles, 8)
    assert network(latents).shape == (2, *shape)


def test_it_is_its_mapping_and_its_synthesis():
    network = StyleGenerator(shape=[1, 8, 8], num_classes=3, **SMALL)
    network.mapping.mean.value.normal_()
    latents, labels = torch.randn(4, 6), torch.tensor([0, 1, 2, 0])
    styles = network.mapping(latents, labels, truncation=0.5)
    assert torch.equal(network(latents, labels, truncation=0.5), network.synthesis(styles))
    assert not torch.allclose(network(latents, labels), network(latents, labels.flip(0)))


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ([1, 27, 27], "not 27x27: set dataset.image_size=26 or 28, or choose network=mlp"),
        ([1, 66, 66], "not 66x66: set dataset.image_size=64 or 68"),
        ([2], "works on images, not points"),
    ],
)
def test_sizes_that_cannot_be_are_refused_in_one_line(shape, said):
    with pytest.raises(InputError, match=said) as error:
        StyleGenerator(shape=shape, **SMALL)
    assert "\n" not in str(error.value)


def test_latents_of_another_size_are_refused():
    with pytest.raises(InputError, match=r"built for batches \[B, 6\], not \[2, 5\]"):
        StyleGenerator(shape=[1, 8, 8], **SMALL)(torch.randn(2, 5))


def composed(*words):
    usual = ["network=style", "dataset=digits", "network.generator.width=4"]
    return compose_config([*usual, *words])


def test_labels_by_the_mapping_network():
    model = build(composed("model=conditional_gan", "network.conditioning=mapping").model)
    assert type(model.generator) is StyleGenerator
    assert model.generator.mapping.num_classes == 10
    assert type(model.discriminator) is LabelCodeDiscriminator


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["network.conditioning=concatenation"], "StyleGenerator takes labels in its mapping"),
        (["network.conditioning=embedding"], "choose network.conditioning=mapping"),
        (["network.conditioning=projection"], "no layer of StyleGenerator is normalised"),
        (["network.conditioning=mapping", "network=dcgan"], "mapping is for generators whose"),
        (["network.conditioning=mapping", "dataset.num_classes=null"], "a data set with classes"),
    ],
)
def test_labels_another_way_are_refused_in_one_line(words, said):
    with pytest.raises(InputError, match=said) as error:
        build(composed("model=conditional_gan", *words).model)
    assert "\n" not in str(error.value)


def test_a_generator_of_ones_own_that_takes_labels():
    def network(*, num_classes):
        return torch.nn.Embedding(num_classes, 2)

    assert labelled_generator(network=network, num_classes=4).num_embeddings == 4
