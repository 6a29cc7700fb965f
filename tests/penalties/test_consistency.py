import pytest
import torch
from torch import nn
from torch.nn.functional import softplus

from ganzoo.augment import GaussianNoise, HorizontalFlip
from ganzoo.penalties import BalancedConsistency, Consistency, Context

KINDS = [Consistency, BalancedConsistency]


def step_right(data):
    """An augmentation without chance."""
    return data + torch.tensor([1.0, 0.0], dtype=data.dtype)


@pytest.mark.parametrize("kind", KINDS)
def test_linear_discriminator_closed_form(kind):
    """D(x) - D(T(x)) is the first slope, for every sample of either batch."""
    slope = torch.tensor([3.0, -4.0], dtype=torch.float64)
    real, fake = torch.randn(5, 2).double(), torch.randn(4, 2).double()
    context = Context(real=real, fake=fake, outputs=lambda x: x @ slope)
    value = kind(weight=10.0, interval=1, augmentation=step_right)(context)
    assert value.item() == pytest.approx(10 * 9 * (2 if kind is BalancedConsistency else 1))


def test_noise_in_expectation():
    """E (a . d)^2 = deviation^2 ||a||^2."""
    torch.manual_seed(0)
    slope = torch.tensor([3.0, -4.0], dtype=torch.float64)
    real = torch.randn(40_000, 2).double()
    penalty = Consistency(weight=1.0, interval=1, augmentation=GaussianNoise(deviation=0.1))
    context = Context(real=real, outputs=lambda x: x @ slope)
    assert penalty(context).item() == pytest.approx(0.25, rel=0.03)


def test_an_invariant_discriminator_is_free():
    penalty = BalancedConsistency(weight=10.0, interval=1, augmentation=HorizontalFlip())
    real, fake = torch.randn(2, 8, 1, 4, 4).double()
    context = Context(real=real, fake=fake, outputs=lambda x: x.square().sum((1, 2, 3)))
    invariant = penalty(context)
    assert invariant.item() == pytest.approx(0, abs=1e-20)


def test_gradients_flow_through_both_logits():
    """D(x) = w x with T(x) = 2 x: the value is w^2 x^2; one logit alone would give -2 w x^2."""
    weight = torch.tensor(3.0, requires_grad=True)
    data = torch.tensor([[2.0]])
    penalty = Consistency(weight=1.0, interval=1, augmentation=lambda x: 2 * x)
    penalty(Context(real=data, outputs=lambda x: (weight * x).squeeze(1))).backward()
    assert weight.grad.item() == 2 * 3 * 4


def trained(penalty):
    """A discriminator of images that are bright on top (real) or below, more so on the left."""
    torch.manual_seed(0)
    shade = torch.linspace(1, 0, 6) * torch.ones(6, 1)
    real, fake = torch.randn(2, 64, 1, 6, 6) * 0.3
    real[:, 0, :3] += 1 + shade[:3]
    fake[:, 0, 3:] += 1 + shade[3:]
    network = nn.Sequential(nn.Flatten(), nn.Linear(36, 32), nn.Tanh(), nn.Linear(32, 1))
    discriminator = nn.Sequential(network, nn.Flatten(0))
    optimizer = torch.optim.Adam(discriminator.parameters(), lr=5e-3)
    for _ in range(150):
        context = Context(real=real, fake=fake, outputs=discriminator)
        loss = softplus(-context.real_logits).mean() + softplus(context.fake_logits).mean()
        optimizer.zero_grad()
        (loss + penalty(context)).backward()
        optimizer.step()
    with torch.no_grad():
        gap = discriminator(real).mean() - discriminator(fake).mean()
        changes = [
            (discriminator(images) - discriminator(images.flip(3))).square().mean() / gap**2
            for images in (real, fake)
        ]
        accuracy = ((discriminator(real) > 0).float() + (discriminator(fake) < 0).float()).mean()
    return [change.item() for change in changes], accuracy.item() / 2


def test_it_makes_the_discriminator_insensitive_and_leaves_it_able():
    """Squared changes under mirroring, in units of the squared gap between real and generated."""
    mirror = {"interval": 1, "augmentation": HorizontalFlip()}
    free, _ = trained(Consistency(weight=0.0, **mirror))
    held, accuracy = trained(BalancedConsistency(weight=10.0, **mirror))
    assert accuracy > 0.95
    assert held[0] < 0.2 * free[0]
    assert held[1] < 0.2 * free[1]


def test_only_the_balanced_form_looks_at_generated_data():
    """A discriminator that is sensitive to the augmentation where generated data lie alone."""
    real, fake = torch.full((4, 2), -2.0), torch.full((4, 2), 2.0)

    def discriminator(data):
        return torch.relu(data).sum(1)

    of = {kind: kind(weight=1.0, interval=1, augmentation=step_right) for kind in KINDS}
    context = Context(real=real, fake=fake, outputs=discriminator)
    assert of[Consistency](context) == 0
    assert of[BalancedConsistency](context) == 1
