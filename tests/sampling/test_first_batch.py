import copy
import logging

import pytest
import torch
from torch import nn

from ganzoo.errors import InputError

SHAPE = (1, 4, 4)


def pictures(*shape):
    return torch.rand(8, *(shape or SHAPE))


class First(nn.Module):
    """Returns something around what a network makes."""

    def __init__(self, network, around):
        super().__init__()
        self.network, self.around = network, around

    def forward(self, data):
        return self.around(self.network(data))


def of_pictures(gan, *, end=nn.Tanh, **changes):
    parts = {
        "generator": nn.Sequential(nn.Linear(4, 16), end(), nn.Unflatten(1, SHAPE)),
        "discriminator": nn.Sequential(nn.Flatten(), nn.Linear(16, 1)),
    }
    return gan(**parts | changes)


@pytest.mark.parametrize("scale", [lambda x: 255 * x, lambda x: 8 * x - 4, lambda x: 1.02 * x])
def test_pictures_outside_the_range_are_refused_with_how_to_scale(gan, scale):
    data = scale(pictures())
    data[0, 0, 0, 0], data[0, 0, 0, 1] = scale(0.0), scale(1.0)
    with pytest.raises(InputError, match=r"pictures must lie in \[-1, 1\]") as error:
        of_pictures(gan).check_fields({"real": data, "labels": None})
    for advice in ("x / 127.5 - 1", "2 * x - 1", "standardisation"):
        assert advice in str(error.value)
    assert len(str(error.value)) < 300


def test_points_have_their_own_units(gan):
    gan().check_fields({"real": 1000 * torch.randn(8, 2), "labels": None})


def test_rounding_and_dequantised_bytes_are_no_reason_to_refuse(gan):
    of_pictures(gan).check_fields({"real": 2.0078 * pictures() - 1, "labels": None})


@pytest.mark.parametrize(
    ("end", "data", "warned"),
    [
        (nn.Tanh, pictures(), True),
        (nn.Identity, pictures(), True),
        (nn.Sigmoid, pictures(), False),
        (nn.Tanh, 2 * pictures() - 1, False),
    ],
)
def test_a_generator_below_zero_for_data_above_it_is_a_warning(gan, caplog, end, data, warned):
    with caplog.at_level(logging.WARNING, "ganzoo"):
        of_pictures(gan, end=end).check_fields({"real": data, "labels": None})
    assert (["[0, 1]" in r.message and "2 * x - 1" in r.message for r in caplog.records]) == (
        [True] if warned else []
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("shape", [(2,), SHAPE])
def test_data_that_is_not_finite(gan, value, shape):
    data = pictures(*shape)
    data[3] = value
    model = gan() if shape == (2,) else of_pictures(gan)
    with pytest.raises(InputError, match="not finite: NaN, or infinite"):
        model.check_fields({"real": data, "labels": None})


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((4, 4), r"has \[4, 4\]: .*x.unsqueeze\(1\)"),
        ((4, 4, 1), r"has \[4, 4, 1\]: .*x.permute\(0, 3, 1, 2\)"),
        ((1, 8, 8), r"has \[1, 8, 8\]: choose a network made for this data set"),
        ((3, 4, 4), r"has \[3, 4, 4\]: choose"),
    ],
)
def test_shapes_that_differ_are_named_with_what_may_be_meant(gan, shape, message):
    with pytest.raises(InputError, match=message):
        of_pictures(gan).check_fields({"real": pictures(*shape), "labels": None})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"discriminator": First(nn.Linear(4, 1), torch.mean)},
            r"must return logits \[B, ...\], not \[\] for a batch of 2",
        ),
        (
            {"discriminator": First(nn.Flatten(), lambda made: made[:1])},
            r"must return logits \[B, ...\], not \[1, 16\] for a batch of 2",
        ),
        (
            {"discriminator": nn.Linear(3, 1)},
            r"discriminator does not fit data of shape \[1, 4",
        ),
        ({"generator": nn.Linear(5, 2)}, "generator does not fit its latents: .*mat1 and mat2"),
        ({"generator": nn.Bilinear(4, 4, 2)}, "generator does not fit its latents: .*input2"),
        (
            {"generator": First(nn.Linear(4, 16), lambda made: (made, None))},
            "the generator must return one tensor; what it returns is of type tuple",
        ),
        (
            {"discriminator": First(nn.Flatten(), lambda made: {"logits": made})},
            "the discriminator must return logits .*of type dict",
        ),
    ],
)
def test_networks_that_do_not_fit_are_named(gan, changes, message):
    with pytest.raises(InputError, match=message):
        of_pictures(gan, **changes).check_fields({"real": pictures(), "labels": None})


def test_looking_changes_nothing(gan):
    model = of_pictures(
        gan, discriminator=nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(16, 1))
    )
    data, before, random = pictures(), copy.deepcopy(model.state_dict()), torch.get_rng_state()
    model.check_fields({"real": data, "labels": None})
    assert torch.equal(torch.get_rng_state(), random)
    assert model.discriminator.training
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])
