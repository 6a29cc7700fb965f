"""StyleGAN2's discriminators: sizes, groups and labels; values are checked in tests/reference."""

import pytest
import torch

from ganzoo.errors import InputError
from ganzoo.networks.map_deviation import MapDeviation
from ganzoo.networks.style_discriminator import (
    PlainBlock,
    PlainStyleDiscriminator,
    ResidualBlock,
    ResidualStyleDiscriminator,
    SkipStyleDiscriminator,
    StyleDiscriminator,
)
from ganzoo.networks.style_synthesis import usual_width

SMALL = {"width": 4, "max_width": 8, "mapping_layers": 1}
FORMS = (
    StyleDiscriminator,
    PlainStyleDiscriminator,
    ResidualStyleDiscriminator,
    SkipStyleDiscriminator,
)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", [[1, 8, 8], [3, 28, 28], [2, 48, 64]])
def test_sizes(form, shape):
    assert form(shape=shape, **SMALL)(torch.randn(4, *shape)).shape == (4,)


@pytest.mark.parametrize(("side", "block"), [(32, PlainBlock), (64, ResidualBlock)])
def test_the_form_of_the_presets(side, block):
    blocks = StyleDiscriminator(shape=[1, side, side], **SMALL).blocks
    assert {type(one) for one in blocks} == {block}


@pytest.mark.parametrize(
    ("side", "widths"),
    [
        (8, (128, 128)),
        (32, (512, 512)),
        (64, (256, 512)),
        (256, (64, 512)),
        (512, (64, 512)),
        (1024, (32, 512)),
    ],
)
def test_usual_widths(side, widths):
    assert usual_width(side, 512) == widths


def test_members_of_a_group_stand_apart():
    """Samples 0 and 2 are one group of 4 samples in groups of 2, and 1 and 3 are another."""
    maps = torch.tensor([0.0, 5.0, 2.0, 5.0])[:, None, None, None].expand(4, 2, 3, 3)
    appended = MapDeviation(group_size=2, features=1)(maps)
    assert appended.shape == (4, 3, 3, 3)
    torch.testing.assert_close(appended[:, 2, 0, 0], torch.tensor([1.0, 1e-4, 1.0, 1e-4]))


def test_groups_that_do_not_divide_are_refused_in_one_line():
    with pytest.raises(InputError, match="groups of 4 of 6 samples") as error:
        MapDeviation(group_size=4, features=1)(torch.randn(6, 2, 3, 3))
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="2 channels in 3 parts"):
        MapDeviation(group_size=2, features=3)(torch.randn(6, 2, 3, 3))
    assert MapDeviation(group_size=4, features=1)(torch.randn(3, 2, 3, 3)).shape == (3, 3, 3, 3)


def test_labels():
    network = StyleDiscriminator(shape=[1, 8, 8], num_classes=3, **SMALL)
    images = torch.randn(1, 1, 8, 8).expand(3, 1, 8, 8)
    assert len(network(images, torch.arange(3)).unique()) == 3
    with pytest.raises(InputError, match=r"takes labels \[B\]"):
        network(images)
    with pytest.raises(InputError, match="takes no labels"):
        StyleDiscriminator(shape=[1, 8, 8], **SMALL)(images, torch.arange(3))
