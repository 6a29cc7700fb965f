import numpy as np
import pytest
import torch

from ganzoo.errors import InputError
from ganzoo.losses import BoundaryEquilibrium
from ganzoo.networks.autoencoder import AutoencoderDiscriminator, logit_of_energy
from ganzoo.networks.batch_statistics import NoBatchStatistics
from ganzoo.networks.initialization import HeUniform
from ganzoo.networks.mlp import MLPGenerator
from ganzoo.networks.normalization import NoNorm


def objective(diversity_ratio=0.5, gain=0.1, emphasis=0.0):
    loss = BoundaryEquilibrium(diversity_ratio=diversity_ratio, gain=gain)
    loss.emphasis.fill_(emphasis)
    return loss


def logits(*energies):
    return logit_of_energy(torch.tensor(energies))


def test_terms_by_hand():
    real, fake = np.array([-1.0, 0.5, 20.0]), np.array([-12.0, 0.0])
    loss = objective(gain=0.01, emphasis=0.25)
    terms = loss.discriminator(torch.tensor(real), torch.tensor(fake))
    high, low = np.logaddexp(0, -fake).mean(), np.logaddexp(0, -real).mean()
    assert terms["real"].item() == pytest.approx(low, rel=1e-7)
    assert terms["fake"].item() == pytest.approx(-0.25 * high, rel=1e-7)
    loss.adapt(torch.tensor(real), torch.tensor(fake))
    assert loss.emphasis.item() == pytest.approx(0.25 + 0.01 * (0.5 * low - high))
    generator = loss.generator(torch.tensor(fake))["adversarial"]
    assert generator.item() == pytest.approx(high, rel=1e-7)


def test_energies_at_the_ratio_leave_k_and_others_move_it():
    loss = objective(emphasis=0.5)
    loss.adapt(logits(3.0, 5.0), logits(1.0, 3.0))
    assert loss.emphasis.item() == pytest.approx(0.5, abs=1e-6)
    loss.adapt(logits(4.0), logits(1.0))  # generated data are too near: care more
    assert loss.emphasis.item() == pytest.approx(0.6, abs=1e-6)
    loss.adapt(logits(4.0), logits(5.0))  # too far: care less
    assert loss.emphasis.item() == pytest.approx(0.3, abs=1e-6)


def test_k_stays_between_0_and_1():
    loss = objective(gain=1.0)
    loss.adapt(logits(1.0), logits(5.0))
    assert loss.emphasis == 0
    loss.adapt(logits(9.0), logits(1.0))
    assert loss.emphasis == 1


def test_terms_and_energies_that_are_not_finite_leave_k():
    loss = objective(emphasis=0.5)
    loss.adapt(torch.tensor([float("nan")]), torch.tensor([1.0]))
    loss.adapt(torch.tensor([1.0]), torch.tensor([float("-inf")]))
    loss.discriminator(logits(9.0), logits(1.0))
    loss.generator(logits(1.0))
    assert loss.emphasis == 0.5


def test_no_gradient_flows_into_k():
    loss, weight = objective(emphasis=0.5), torch.ones(2, requires_grad=True)
    loss.adapt(weight[:1], weight[1:])
    assert loss.emphasis != 0.5
    assert not loss.emphasis.requires_grad


def test_the_term_keeps_the_k_it_was_computed_with():
    loss, fake = objective(gain=0.1, emphasis=0.5), torch.zeros(1, requires_grad=True)
    terms = loss.discriminator(logits(9.0), fake)
    loss.adapt(logits(9.0), fake)
    assert loss.emphasis > 0.5
    terms["fake"].backward()
    assert fake.grad.item() == pytest.approx(0.5 * 0.5)  # k times the sigmoid of 0


def test_half_precision_is_computed_in_float32():
    half = torch.tensor([5.0, 5.03], dtype=torch.bfloat16)
    terms = objective(emphasis=1.0).discriminator(half, half)
    assert terms["real"].dtype == torch.float32
    assert terms["real"].item() == pytest.approx(np.logaddexp(0, -half.double().numpy()).mean())


def test_k_goes_with_the_model_s_state():
    loss, other = objective(emphasis=0.25), objective()
    other.load_state_dict(loss.state_dict())
    assert other.emphasis == 0.25


def ratio_after_training(diversity_ratio):
    """E L(G(z)) / E L(x) of the last 150 of 400 updates of each player on Gaussian data."""
    torch.manual_seed(0)
    parts = {
        "shape": [8],
        "width": 24,
        "depth": 1,
        "negative_slope": 0.2,
        "normalization": NoNorm(),
        "initialization": HeUniform(negative_slope=0.2),
    }
    critic = AutoencoderDiscriminator(
        code_dim=2, exponent=1.0, outputs=1, batch_statistics=NoBatchStatistics(), **parts
    )
    generator = MLPGenerator(latent_dim=4, **parts)
    loss = objective(diversity_ratio, gain=0.05)
    players = [
        torch.optim.Adam(network.parameters(), lr=2e-3, betas=(0.5, 0.999))
        for network in (critic, generator)
    ]
    energies = []
    for _ in range(400):
        with torch.no_grad():
            fake = generator(torch.randn(64, 4))
        logits = critic(torch.randn(64, 8)), critic(fake)
        terms = loss.discriminator(*logits)
        step(players[0], sum(terms.values()))
        loss.adapt(*logits)
        adversarial = loss.generator(critic(generator(torch.randn(64, 4))))["adversarial"]
        step(players[1], adversarial)
        energies.append((terms["real"].item(), adversarial.item()))
    real, fake = np.mean(energies[-150:], axis=0)
    return fake / real


def step(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


@pytest.mark.parametrize("diversity_ratio", [0.3, 0.8])
def test_training_drives_the_energies_to_the_ratio(diversity_ratio):
    assert ratio_after_training(diversity_ratio) == pytest.approx(diversity_ratio, rel=0.15)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
@pytest.mark.parametrize("name", ["diversity_ratio", "gain"])
def test_settings_that_are_not_positive_are_refused(name, value):
    with pytest.raises(InputError, match=f"{name} must be a positive number"):
        objective(**{name: value})
