import pytest
import torch
from torch import nn
from torch.nn import functional

from ganzoo.networks.autoencoder import AutoencoderDiscriminator
from ganzoo.networks.batch_statistics import NoBatchStatistics
from ganzoo.networks.initialization import HeUniform
from ganzoo.networks.normalization import NoNorm
from ganzoo.penalties import PullingAway
from ganzoo.penalties.pulling_away import mean_squared_cosine

PULLING_AWAY = PullingAway(weight=1.0, interval=1)


def by_a_loop(features):
    """Section 2.4 of Zhao et al. (2017), one pair at a time."""
    count, total = len(features), 0.0
    for i in range(count):
        for j in range(count):
            if i != j:
                total += functional.cosine_similarity(features[i], features[j], dim=0).item() ** 2
    return total / (count * (count - 1))


def test_value_is_the_papers_sum_over_pairs():
    torch.manual_seed(0)
    features = torch.randn(7, 5, dtype=torch.float64)
    assert mean_squared_cosine(features).item() == pytest.approx(by_a_loop(features), rel=1e-12)


@pytest.mark.parametrize("features", [2, 40])
def test_value_lies_between_0_and_1_and_does_not_depend_on_lengths(features):
    torch.manual_seed(0)
    samples = torch.randn(9, features)
    value = mean_squared_cosine(samples)
    assert 0 <= value <= 1
    longer = samples * torch.rand(9, 1).add(0.5)
    torch.testing.assert_close(mean_squared_cosine(longer), value)


def test_value_is_0_of_orthogonal_features_and_1_of_features_on_one_line():
    assert mean_squared_cosine(torch.eye(5) * 3) == 0
    line = torch.randn(1, 5) * torch.tensor([[1.0], [-2.0], [0.5]])
    assert mean_squared_cosine(line).item() == pytest.approx(1, rel=1e-5)


def test_features_that_vanish_and_single_samples_give_zeros():
    features = torch.zeros(3, 4, requires_grad=True)
    value = mean_squared_cosine(features)
    value.backward()
    assert value == 0
    assert features.grad.eq(0).all()
    assert mean_squared_cosine(torch.ones(1, 4)) == 0


def test_the_term_compares_last_hidden_features_of_the_generated_batch(game):
    torch.manual_seed(4)
    value = game.term(PULLING_AWAY)
    torch.manual_seed(4)
    fake, network = game.generated(6), game.networks["discriminator"]
    hidden = functional.softplus(network.second(torch.tanh(network.first(fake))))
    assert value.item() == pytest.approx(by_a_loop(hidden), rel=1e-10)


def test_gradients_are_those_of_finite_differences():
    features = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(mean_squared_cosine, features)


def test_of_an_auto_encoder_the_features_are_the_code(game):
    torch.manual_seed(0)
    network = AutoencoderDiscriminator(
        shape=[3],
        code_dim=4,
        width=8,
        depth=2,
        negative_slope=0.2,
        exponent=2.0,
        outputs=1,
        batch_statistics=NoBatchStatistics(),
        normalization=NoNorm(),
        initialization=HeUniform(negative_slope=0.2),
    ).double()
    wrapped = nn.Sequential(network)  # found inside other modules too
    for shown in (network, wrapped):
        game.networks["discriminator"] = shown
        torch.manual_seed(4)
        value = game.term(PULLING_AWAY)
        torch.manual_seed(4)
        code = network.encoder(game.generated(6))
        assert code.shape == (6, 4)
        assert value.item() == pytest.approx(by_a_loop(code), rel=1e-10)
    assert not network.encoder._forward_hooks


def test_following_its_gradient_spreads_the_features_of_a_collapsed_generator(make_game):
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1), nn.Flatten(0))
    generator = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 3))
    with torch.no_grad():
        generator[2].weight.mul_(0.01)  # nearly one point, whatever the latent
        generator[2].bias.fill_(1.0)
    real = torch.randn(16, 3)
    game = make_game(critic, generator, real)
    latents = torch.randn(200, 2)
    before, features_before = spread(generator, critic, latents)
    optimizer = torch.optim.Adam(generator.parameters(), lr=0.01)
    for _ in range(100):
        optimizer.zero_grad()
        game.term(PULLING_AWAY).backward()
        optimizer.step()
    after, features_after = spread(generator, critic, latents)
    assert features_before > 0.95
    assert features_after < 0.6
    assert after > 10 * before


@torch.no_grad()
def spread(generator, critic, latents):
    data = generator(latents)
    return data.std(0).mean().item(), mean_squared_cosine(critic[:2](data)).item()
