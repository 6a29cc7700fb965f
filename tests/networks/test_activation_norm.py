import copy
import io

import pytest
import torch

from ganzoo.errors import InputError
from ganzoo.networks.activation_norm import ActivationNorm
from ganzoo.networks.dcgan import DCGANDiscriminator
from ganzoo.networks.patchgan import PatchGANDiscriminator


def layer(features=3, dimensions=2, eps=1e-6):
    return ActivationNorm(eps=eps).activations(features, dimensions)


def shifted(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return 5 + 3 * torch.randn(shape, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("shape", [(4, 3, 5, 6), (9, 3)])
def test_the_first_batch_in_training_comes_out_normalised(shape):
    made = layer(dimensions=len(shape) - 2).double()
    found = made(shifted(*shape)).movedim(1, 0).flatten(1)
    torch.testing.assert_close(found.mean(1), torch.zeros(3).double(), rtol=0, atol=1e-14)
    torch.testing.assert_close(found.std(1), torch.ones(3).double(), rtol=1e-6, atol=0)


def test_later_batches_are_not_normalised_by_their_own_numbers():
    made = layer().double()
    first, second = shifted(4, 3, 5, 5), 2 * shifted(4, 3, 5, 5, seed=1)
    made(first)
    mean, deviation = (
        value[None, :, None, None] for value in (first.mean((0, 2, 3)), first.std((0, 2, 3)))
    )
    torch.testing.assert_close(made(second), (second - mean) / (deviation + 1e-6))
    torch.testing.assert_close(made.eval()(second), (second - mean) / (deviation + 1e-6))


def test_evaluation_mode_does_not_initialise():
    made, data = layer().eval(), shifted(2, 3, 4, 4).float()
    assert torch.equal(made(data), data)
    assert not made.initialized


def test_scale_and_shift_are_trained_from_there_on():
    made, data = layer(), shifted(2, 3, 4, 4).float()
    made(data).square().sum().backward()
    assert all(value.grad.abs().max() > 0 for value in made.parameters())


def test_the_state_dict_says_whether_there_was_a_first_batch():
    made, data = layer(), shifted(2, 3, 4, 4).float()
    fresh = copy.deepcopy(made.state_dict())
    made(data)
    stored = io.BytesIO()
    torch.save(made.state_dict(), stored)
    stored.seek(0)
    loaded = layer()
    loaded.load_state_dict(torch.load(stored, weights_only=True))
    other = shifted(2, 3, 4, 4, seed=1).float()
    assert torch.equal(loaded(other), made(other)), "not initialised again"
    made.load_state_dict(fresh)
    assert made(other).movedim(1, 0).flatten(1).mean(1).abs().max() < 1e-5, "initialised anew"


def test_half_precision_starts_from_statistics_in_float32():
    made, data = layer(), shifted(64, 3, 32, 32).half()
    made(data)
    torch.testing.assert_close(made.shift[0, :, 0, 0], -data.double().mean((0, 2, 3)).float())


def test_a_first_batch_of_one_vector_is_refused():
    with pytest.raises(InputError, match="2 samples or more: set a larger dataset.batch_size"):
        layer(dimensions=0)(torch.ones(1, 3))
    with pytest.raises(InputError, match="eps must be"):
        ActivationNorm(eps=0.0)


@pytest.mark.parametrize(
    "network",
    [
        lambda norm: PatchGANDiscriminator(shape=[3, 16, 16], width=4, downsamplings=2, **norm),
        lambda norm: DCGANDiscriminator(shape=[3, 16, 16], width=4, **norm),
    ],
)
def test_networks_take_it_and_their_samples_do_not_depend_on_each_other(network):
    torch.manual_seed(0)
    made = network({"normalization": ActivationNorm()})
    images = torch.rand(4, 3, 16, 16) * 2 - 1
    made(images)
    torch.testing.assert_close(made(images)[:1], made(images[:1]))
    assert sum(name.endswith("scale") for name in made.state_dict()) >= 1
