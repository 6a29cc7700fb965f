"""Feature matching against values by hand and finite differences."""

import numpy as np
import pytest
import torch
from torch import nn

from ganzoo.errors import InputError
from ganzoo.game.minibatch import Minibatch
from ganzoo.models.feature_matching_gan import FeatureMatchingGAN
from ganzoo.models.gan import GAN
from ganzoo.penalties.features import discriminator_features, last_hidden_features

REAL = torch.tensor([[1.0, 0.0], [3.0, 2.0]])


def by_hand():
    """Hidden features relu(a), relu(-a), relu(b) of points (a, b)."""
    hidden, output = nn.Linear(2, 3, bias=False), nn.Linear(3, 1)
    with torch.no_grad():
        hidden.weight.copy_(torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]))
    return nn.Sequential(hidden, nn.ReLU(), output, nn.Flatten(0))


def features(model, data):
    return last_hidden_features(model.discriminator, model.discriminator, data)


def losses(of, model, fake, real=REAL):
    return of(model.context(Minibatch({"real": real, "labels": None}, len(real)), fake=fake))


def loss(model, fake, real=REAL):
    return losses(model.generator_losses, model, fake, real)["feature_matching"]


def test_by_hand(gan):
    """Mean features of real data (2, 0, 1), of generated ones (1, 2, 0.5)."""
    model = gan(FeatureMatchingGAN, discriminator=by_hand())
    fake = torch.tensor([[2.0, -7.0], [-4.0, 1.0]], requires_grad=True)
    term = loss(model, fake)
    assert term.item() == pytest.approx(1 + 4 + 0.25)
    term.backward()
    # 2 (mine - theirs) / B through the units that are on
    torch.testing.assert_close(fake.grad, torch.tensor([[-1.0, 0.0], [-2.0, -0.5]]))


def test_by_numpy_and_its_gradient_by_finite_differences(gan):
    model = gan(FeatureMatchingGAN).double()
    torch.manual_seed(4)
    real = torch.randn(7, 2, dtype=torch.float64)
    fake = torch.randn(5, 2, dtype=torch.float64, requires_grad=True)
    layers = model.discriminator.layers

    def features(data):
        weight, bias = (p.detach().numpy() for p in layers[1].parameters())
        hidden = data.detach().numpy() @ weight.T + bias
        return np.where(hidden > 0, hidden, 0.2 * hidden)

    gap = features(real).mean(0) - features(fake).mean(0)
    assert loss(model, fake, real).item() == pytest.approx((gap**2).sum())
    assert torch.autograd.gradcheck(lambda made: loss(model, made, real), (fake,))


def test_where_mean_features_agree_there_is_no_gradient_though_logits_would_push(gan):
    model = gan(FeatureMatchingGAN, discriminator=by_hand())
    fake = torch.tensor([[4.0, 1.5], [0.0, 0.5]], requires_grad=True)
    term = loss(model, fake)
    term.backward()
    assert term == 0
    assert not fake.grad.any()
    plain = gan(GAN, discriminator=model.discriminator)
    fake.grad = None
    losses(plain.generator_losses, plain, fake)["adversarial"].backward()
    assert fake.grad.abs().max() > 0.01


def test_the_discriminator_plays_its_own_loss(gan):
    models = [gan(kind, discriminator=by_hand()) for kind in (FeatureMatchingGAN, GAN)]
    models[0].discriminator.load_state_dict(models[1].discriminator.state_dict())
    fake = torch.randn(2, 2)
    terms = [losses(model.discriminator_losses, model, fake) for model in models]
    assert terms[0] == terms[1]


class Shifted:
    """Normal points around (0.5, -0.5)."""

    def __iter__(self):
        random = torch.Generator().manual_seed(0)
        while True:
            yield [0.3 * torch.randn(64, 2, generator=random) + torch.tensor([0.5, -0.5])]


def test_training_brings_mean_features_together(gan, trainer):
    """To the noise of a batch, on fresh batches, while the discriminator learns."""
    gaps = []
    for steps in (1, 400):
        torch.manual_seed(0)
        model = gan(FeatureMatchingGAN)
        trainer(steps).fit(model, Shifted())
        with torch.no_grad():
            real = next(iter(Shifted()))[0].repeat(32, 1)
            fake = model.sample(2048, seed=1)
            means = [features(model, data).mean(0) for data in (real, fake)]
            gaps.append((means[0] - means[1]).norm().item())
    assert gaps[1] < 0.25 * gaps[0]
    assert set(model.latest_terms) >= {"generator/feature_matching", "discriminator/fake"}
    assert "generator/adversarial" not in model.latest_terms


def test_the_generators_step_leaves_running_statistics_alone(gan, trainer, batches):
    """The discriminator's statistics after an iteration are those of its own step alone."""
    states = []
    for kind in (FeatureMatchingGAN, GAN):
        torch.manual_seed(0)
        layers = (nn.Linear(2, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 1), nn.Flatten(0))
        model = gan(kind, discriminator=nn.Sequential(*layers))
        torch.manual_seed(1)
        trainer(1).fit(model, batches(8, 2))
        states.append(model.discriminator.state_dict())
    assert all(torch.equal(states[0][name], value) for name, value in states[1].items())


def test_features_are_the_input_of_the_last_layer(gan):
    model = gan(FeatureMatchingGAN, discriminator=by_hand())
    found = features(model, REAL)
    assert found.tolist() == [[1, 0, 0], [3, 0, 2]]
    context = model.context(Minibatch({"real": REAL, "labels": None}, len(REAL)))
    assert torch.equal(found, discriminator_features(context, REAL))


def test_a_discriminator_without_layers_is_refused(gan, trainer, batches):
    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.factor = nn.Parameter(torch.ones(()))

        def forward(self, data):
            return self.factor * data.sum(dim=1)

    with pytest.raises(InputError, match="last linear or convolution layer, and it has none"):
        trainer(1).fit(gan(FeatureMatchingGAN, discriminator=Sum()), batches(8, 2))
