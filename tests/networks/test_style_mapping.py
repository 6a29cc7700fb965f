"""Styles of latents and labels, their mean, and truncation towards it."""

from types import SimpleNamespace

import pytest
import torch

from ganzoo.errors import InputError
from ganzoo.networks.style_mapping import StyleMapping

NUMBERS = {
    "latent_dim": 6,
    "style_dim": 8,
    "copies": 4,
    "layers": 2,
    "num_classes": None,
    "lr_multiplier": 0.01,
    "negative_slope": 0.2,
    "mean_decay": 0.9,
}


def mapping(**changes):
    torch.manual_seed(0)
    return StyleMapping(**NUMBERS | changes)


@pytest.fixture
def latents():
    return torch.randn(5, 6, generator=torch.Generator().manual_seed(1))


def test_all_layers_have_one_style_which_the_scale_of_latents_does_not_change(latents):
    network = mapping()
    styles = network(latents)
    assert styles.shape == (5, 4, 8)
    assert all(torch.equal(styles[:, 0], styles[:, index]) for index in range(1, 4))
    torch.testing.assert_close(network(3 * latents), styles)
    assert not torch.allclose(network(latents + 1), styles)


def test_by_hand(latents):
    network = mapping(num_classes=3)
    labels = torch.tensor([0, 1, 2, 1, 0])

    def scaled(vectors):
        return vectors / vectors.square().mean(dim=1, keepdim=True).sqrt()

    code = network.label_code
    codes = (code.weight / 3**0.5).T[labels] + code.bias
    features = torch.cat([scaled(latents), scaled(codes)], dim=1)
    for layer in network.layers:
        linear = features @ layer.weight.T * 0.01 / features.shape[1] ** 0.5 + 0.01 * layer.bias
        features = 2**0.5 * torch.where(linear > 0, linear, 0.2 * linear)
    torch.testing.assert_close(network(latents, labels)[:, 2], features)


def test_truncation_goes_from_the_mean_to_the_style(latents):
    network = mapping()
    network.mean.value.copy_(torch.randn(8))
    whole = network(latents)
    centre = network.mean.value.expand(5, 4, 8)
    assert torch.equal(network(latents, truncation=1.0), whole)
    assert torch.equal(network(latents, truncation=0.0), centre)
    torch.testing.assert_close(network(latents, truncation=0.25), 0.75 * centre + 0.25 * whole)
    some = network(latents, truncation=0.25, cutoff=3)
    assert torch.equal(some[:, 3], whole[:, 3])
    torch.testing.assert_close(some[:, :3], (0.75 * centre + 0.25 * whole)[:, :3])


def step_of(network):
    return SimpleNamespace(parameters=list(network.parameters()))


def test_the_mean_moves_after_the_step_of_its_own_player_by_all_samples_of_it(latents):
    network, other = mapping(), mapping()
    styles = [network(part)[:, 0] for part in latents.split([2, 3])]
    assert network.mean.value.eq(0).all()
    network.after_step(step_of(other))
    assert network.mean.value.eq(0).all()
    network.after_step(step_of(network))
    expected = 0.1 * torch.cat(styles).mean(dim=0)
    torch.testing.assert_close(network.mean.value, expected)
    network.after_step(step_of(network))  # of a step without styles
    torch.testing.assert_close(network.mean.value, expected)
    wide = network(latents + 1)[:, 0]
    network.after_step(step_of(network))
    torch.testing.assert_close(network.mean.value, 0.9 * expected + 0.1 * wide.mean(dim=0))


def test_what_the_mean_does_not_follow(latents):
    """Passes in evaluation, those of other players' steps, and those that no step came from."""
    network = mapping()
    network.eval()(latents)
    network.train().requires_grad_(False)(latents)
    network.requires_grad_(True)
    with torch.no_grad():
        network(latents)
    network(latents)
    network.begin_iteration(None)
    network.after_step(step_of(network))
    assert network.mean.value.eq(0).all()


def test_passes_change_no_state(latents):
    network = mapping()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network(latents).sum().backward()
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_in_half_precision_the_mean_still_moves(latents):
    network = mapping(mean_decay=0.998).bfloat16()
    assert network.mean.value.dtype == torch.float32
    for _ in range(2000):
        network(latents.bfloat16())
        network.after_step(step_of(network))
    wanted = network(latents.bfloat16())[:, 0].float().mean(dim=0) * (1 - 0.998**2000)
    torch.testing.assert_close(network.mean.value, wanted, rtol=0.02, atol=0.01)
    assert network(latents.bfloat16(), truncation=0.5).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"layers": 0}, "mapping_layers must be"),
        ({"style_dim": 0}, "style_dim must be"),
        ({"num_classes": 0}, "num_classes must be"),
        ({"lr_multiplier": 0.0}, "lr_multiplier must be a positive number"),
        ({"mean_decay": 1.0}, "mean_decay must be at least 0 and below 1, not 1.0"),
    ],
)
def test_what_cannot_be_built(changes, said):
    with pytest.raises(InputError, match=said):
        mapping(**changes)


@pytest.mark.parametrize("truncation", [-0.1, 1.5])
def test_truncation_is_a_share(truncation, latents):
    with pytest.raises(InputError, match="at least 0 and at most 1, not"):
        mapping()(latents, truncation=truncation)


def test_labels_where_there_are_classes_and_nowhere_else(latents):
    with pytest.raises(InputError, match="takes no labels"):
        mapping()(latents, torch.zeros(5, dtype=torch.int64))
    with pytest.raises(InputError, match="needs labels"):
        mapping(num_classes=3)(latents)
    with pytest.raises(InputError, match="label 3 is out of range"):
        mapping(num_classes=3)(latents, torch.full((5,), 3))
