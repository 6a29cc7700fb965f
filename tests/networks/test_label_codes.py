from functools import partial

import pytest
import torch
from torch import nn

from ganzoo.errors import InputError
from ganzoo.networks.batch_statistics import NoBatchStatistics
from ganzoo.networks.conditional import LabelCodeDiscriminator, LabelCodeGenerator
from ganzoo.networks.initialization import HeUniform
from ganzoo.networks.label_codes import EmbeddedLabels, OneHotLabels, one_hot
from ganzoo.networks.mlp import MLPDiscriminator, MLPGenerator
from ganzoo.networks.normalization import NoNorm

ANY = {
    "depth": 2,
    "width": 8,
    "negative_slope": 0.2,
    "normalization": NoNorm(),
    "initialization": HeUniform(negative_slope=0.2),
}
LABELS = torch.tensor([2, 0, 2, 1])


class Spy(nn.Module):
    """Remembers what it was built with, and returns what it is given."""

    def __init__(self, **arguments):
        super().__init__()
        self.arguments = arguments

    def forward(self, batch):
        return batch


def embedded(embedding_dim=2, num_classes=3):
    torch.manual_seed(0)
    return EmbeddedLabels(num_classes=num_classes, embedding_dim=embedding_dim)


def test_an_embedding_is_the_row_of_its_label():
    code = embedded()
    assert (code.num_classes, code.width) == (3, 2)
    assert torch.equal(code(LABELS), torch.stack([code.embedding.weight[i] for i in LABELS]))


def test_an_embedding_is_a_linear_map_of_the_one_hot_label():
    code, marks = embedded(), OneHotLabels(num_classes=3)(LABELS).float()
    torch.testing.assert_close(code(LABELS), marks @ code.embedding.weight)


def test_vectors_begin_as_standard_normal_numbers():
    weight = embedded(embedding_dim=200, num_classes=100).embedding.weight
    assert weight.mean().item() == pytest.approx(0, abs=0.03)
    assert weight.std().item() == pytest.approx(1, rel=0.03)


def test_latents_have_the_code_appended_and_data_have_it_as_features_or_maps():
    code, latents = embedded(), torch.randn(4, 5)
    generator = LabelCodeGenerator(network=Spy, latent_dim=5, label_code=code)
    assert generator.network.arguments == {"latent_dim": 7}
    assert torch.equal(generator(latents, LABELS), torch.cat([latents, code(LABELS)], dim=1))

    points = LabelCodeDiscriminator(network=Spy, shape=[5], label_code=code)
    assert points.network.arguments == {"shape": [7]}
    assert torch.equal(points(latents, LABELS), torch.cat([latents, code(LABELS)], dim=1))

    pictures = LabelCodeDiscriminator(network=Spy, shape=[1, 2, 3], label_code=code)
    assert pictures.network.arguments == {"shape": [3, 2, 3]}
    data = torch.randn(4, 1, 2, 3)
    seen = pictures(data, LABELS)
    assert torch.equal(seen[:, :1], data)
    for row in range(2):
        for column in range(3):
            assert torch.equal(seen[:, 1:, row, column], code(LABELS))


def test_both_networks_learn_the_vectors_of_the_classes_in_the_batch():
    generator = LabelCodeGenerator(
        network=partial(MLPGenerator, shape=[2], **ANY), latent_dim=5, label_code=embedded()
    )
    discriminator = LabelCodeDiscriminator(
        network=partial(MLPDiscriminator, outputs=1, batch_statistics=NoBatchStatistics(), **ANY),
        shape=[2],
        label_code=embedded(),
    )
    labels = torch.tensor([2, 0, 2, 0])
    discriminator(generator(torch.randn(4, 5), labels), labels).sum().backward()
    for network in (generator, discriminator):
        assert all(value.grad.abs().max() > 0 for value in network.parameters())
        rows = network.label_code.embedding.weight.grad.abs().amax(dim=1) > 0
        assert rows.tolist() == [True, False, True]


def test_codes_take_the_data_s_type():
    generator = LabelCodeGenerator(network=Spy, latent_dim=5, label_code=embedded())
    for dtype in (torch.bfloat16, torch.float64):
        assert generator(torch.randn(4, 5, dtype=dtype), LABELS).dtype == dtype


def test_labels_on_another_device_are_not_looked_at():
    assert one_hot(torch.full((3,), 7, device="meta"), 5).shape == (3, 5)
    assert embedded().to("meta")(torch.full((3,), 7, device="meta")).shape == (3, 2)


@pytest.mark.parametrize("label", [-1, 3, 100])
def test_a_label_out_of_range_is_refused_in_one_line(label):
    message = f"label {label} is out of range: 3 classes have labels 0 to 2"
    for code in (embedded(), OneHotLabels(num_classes=3)):
        with pytest.raises(InputError, match=message) as error:
            code(torch.tensor([0, label]))
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: embedded(num_classes=None), "needs a data set with classes"),
        (lambda: OneHotLabels(num_classes=None), "needs a data set with classes"),
        (lambda: embedded(num_classes=0), "num_classes must be a whole number from 1 up, not 0"),
        (lambda: embedded(embedding_dim=0), "embedding_dim must be a whole number from 1 up"),
        (
            lambda: LabelCodeGenerator(network=Spy, latent_dim=0, label_code=embedded()),
            "latent_dim must be a whole number",
        ),
        (
            lambda: LabelCodeGenerator(network=Spy, latent_dim=5, label_code=embedded())(
                torch.randn(4, 6), LABELS
            ),
            r"LabelCodeGenerator was built for batches \[B, 5\], not \[4, 6\]",
        ),
        (
            lambda: LabelCodeDiscriminator(network=Spy, shape=[5, 5], label_code=embedded()),
            r"works on points \[D\] or images \[C, H, W\]",
        ),
    ],
)
def test_wrong_input_is_refused_in_one_line(build, message):
    with pytest.raises(InputError, match=message) as error:
        build()
    assert "\n" not in str(error.value)
