"""The unrolled generator against real optimizers, finite differences and the plain game."""

import copy
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from ganzoo.errors import InputError
from ganzoo.game.minibatch import Minibatch
from ganzoo.losses import Fisher, Minimax
from ganzoo.models.gan import GAN
from ganzoo.models.unrolled_gan import UnrolledGAN
from ganzoo.optim.differentiable_steps import flat_at_zero
from ganzoo.optim.gradient_play import Simultaneous
from ganzoo.penalties import R1, LeCam, Orthogonal
from ganzoo.penalties.context import Context

OPTIMIZERS = {
    "sgd": partial(torch.optim.SGD, lr=0.3),
    "momentum": partial(torch.optim.SGD, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    "adam": partial(torch.optim.Adam, lr=0.05, betas=(0.5, 0.9), foreach=True),
    "amsgrad": partial(torch.optim.Adam, lr=0.05, amsgrad=True, weight_decay=0.1),
    "adamw": partial(torch.optim.AdamW, lr=0.05, betas=(0.5, 0.9), weight_decay=0.5),
    "rmsprop": partial(torch.optim.RMSprop, lr=0.02, momentum=0.5),
    "centered": partial(torch.optim.RMSprop, lr=0.02, centered=True),
}
every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)


class Discriminator(nn.Module):
    """Smooth in its weights."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 1))

    def forward(self, data):
        return self.layers(data).squeeze(1)


def discriminator():
    torch.manual_seed(2)
    return Discriminator()


@pytest.fixture
def warm(gan, trainer, batches):
    """A game in float64 after some iterations, so that its optimizers remember something."""

    def make(optimizer=OPTIMIZERS["adam"], kind=UnrolledGAN, **changes):
        torch.manual_seed(3)
        parts = {
            "discriminator": discriminator(),
            "generator": nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 2)),
            "optimizers": {"generator": OPTIMIZERS["sgd"], "discriminator": optimizer},
        }
        steps = {} if kind is GAN else {"unrolling_steps": changes.pop("unrolling_steps", 2)}
        model = gan(kind, **(parts | steps | changes))
        trainer(3).fit(model, batches(6, 2))
        model.double()
        optimizer = player(model).optimizer
        optimizer.load_state_dict(optimizer.state_dict())  # to its parameters' data type
        return model

    return make


REAL = torch.randn(6, 2, generator=torch.Generator().manual_seed(8), dtype=torch.float64)


def player(model, name="discriminator"):
    return next(player for player in model.players if player.name == name)


def points(data):
    return Minibatch({"real": data, "labels": None}, len(data))


def unrolled(model, fake, real=REAL):
    return model.unrolled(model.context(points(real), fake=fake))


def generator_loss(model, fake):
    (loss,) = model.generator_losses(model.context(points(REAL), fake=fake)).values()
    return loss


def latents():
    return torch.randn(6, 4, generator=torch.Generator().manual_seed(9), dtype=torch.float64)


def stepped(model, fake, steps):
    """The discriminator after real steps of its real optimizer, all of them copies."""
    network = copy.deepcopy(model.discriminator)
    mine = player(model).optimizer
    optimizer = type(mine)(network.parameters(), lr=1.0)
    optimizer.load_state_dict(copy.deepcopy(mine.state_dict()))
    for _ in range(steps):
        optimizer.zero_grad()
        terms = model.loss.discriminator(network(REAL), network(fake.detach()))
        sum(terms.values()).backward()
        optimizer.step()
    return network


@every_optimizer
@pytest.mark.parametrize("steps", [1, 3])
def test_the_copy_moves_as_the_discriminator_would(name, steps, warm):
    model = warm(OPTIMIZERS[name], unrolling_steps=steps)
    fake = model.generator(latents())
    moved = unrolled(model, fake)
    expected = stepped(model, fake, steps)
    assert len(moved) == 4
    for key, parameter in expected.named_parameters():
        # torch computes Adam's corrections of bias in float32 there
        torch.testing.assert_close(moved[f"discriminator.{key}"], parameter, rtol=0, atol=2e-6)
        assert not torch.allclose(parameter, model.discriminator.get_parameter(key), atol=1e-4)


@every_optimizer
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_the_generators_gradient_is_that_of_finite_differences(name, steps, warm):
    """Of its loss against a discriminator that has made real steps of its real optimizer."""
    model = warm(OPTIMIZERS[name], unrolling_steps=steps)
    parameters = list(model.generator.parameters())

    def value():
        fake = model.generator(latents())
        logits = stepped(model, fake, steps)(fake)
        return model.loss.generator(logits)["adversarial"].item()

    loss = generator_loss(model, model.generator(latents()))
    assert loss.item() == pytest.approx(value(), rel=1e-6)
    gradients = torch.autograd.grad(loss, parameters)
    torch.manual_seed(5)
    for _ in range(2):
        directions = [torch.randn_like(parameter) for parameter in parameters]
        values = []
        for step in (1e-5, -2e-5, 1e-5):  # there, the other way, and back
            with torch.no_grad():
                for parameter, direction in zip(parameters, directions, strict=True):
                    parameter.add_(step * direction)
            values.append(value())
        slope = sum((g * d).sum() for g, d in zip(gradients, directions, strict=True)).item()
        assert slope == pytest.approx((values[0] - values[1]) / 2e-5, rel=2e-5, abs=1e-9)


def test_the_gradient_is_another_than_that_of_a_discriminator_that_does_not_react(warm):
    """What flows through the updates is the paper's missing gradient term."""
    model = warm(unrolling_steps=3)
    made = model.generator(latents())
    (whole,) = torch.autograd.grad(generator_loss(model, made), made)
    still = stepped(model, made, 3)
    fake = made.detach().requires_grad_()
    (first_term,) = torch.autograd.grad(model.loss.generator(still(fake))["adversarial"], fake)
    assert (whole - first_term).norm() > 0.05 * first_term.norm()


def test_nothing_but_the_generator_is_changed(warm):
    """Neither weights nor what networks, losses, penalties and optimizers remember."""
    layers = nn.Sequential(
        parametrizations.spectral_norm(nn.Linear(2, 4)), nn.BatchNorm1d(4), nn.Linear(4, 1)
    )
    model = warm(
        discriminator=nn.Sequential(layers, nn.Flatten(0)),
        loss=Fisher(rho=0.1),
        penalties={"lecam": LeCam(weight=0.1, interval=1, decay=0.9)},
        unrolling_steps=3,
    )
    optimizer = player(model).optimizer
    made = model.generator(latents())
    model.zero_grad()
    before = copy.deepcopy([model.state_dict(), optimizer.state_dict()])
    modules = {name: id(tensor) for name, tensor in model.named_parameters()}
    moved = unrolled(model, made)
    player(model, "generator").minibatch = points(REAL)
    player(model, "generator").compute_gradients()
    after = [model.state_dict(), optimizer.state_dict()]
    assert {name: id(tensor) for name, tensor in model.named_parameters()} == modules
    assert all(parameter.grad is None for parameter in model.discriminator.parameters())
    running = "discriminator.0.1.running_mean"
    assert not torch.equal(moved[running], before[0][running])
    assert all(torch.equal(after[0][name], value) for name, value in before[0].items())
    for key, state in before[1]["state"].items():
        for name, value in state.items():
            assert torch.equal(after[1]["state"][key][name], value), name


def test_the_game_puts_statistics_back_too(gan, trainer, batches):
    """The discriminator ends an iteration of the unrolled game as one of the plain game."""
    states = []
    for kind, more in ((GAN, {}), (UnrolledGAN, {"unrolling_steps": 2})):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 1), nn.Flatten(0))
        model = gan(kind, discriminator=network, **more)
        torch.manual_seed(1)
        trainer(1).fit(model, batches(8, 2))
        states.append(model.state_dict())
    for name, value in states[0].items():
        same = torch.equal(states[1][name], value)
        assert same == name.startswith("discriminator"), name


def test_what_adapts_never_hears_of_the_copy(gan, trainer, batches):
    """Also where both players differentiate before either steps."""
    seen = []

    class Watching(LeCam):
        def after_step(self, player):
            seen.append({side: len(logits) for side, logits in player.logits.items()})
            super().after_step(player)

    penalty = Watching(weight=0.1, interval=1, decay=0.9)
    model = gan(
        UnrolledGAN, update_rule=Simultaneous(), penalties={"l": penalty}, unrolling_steps=2
    )
    trainer(1).fit(model, batches(8, 2))
    assert seen == [{"real": 1, "fake": 1}, {"fake": 1}]


def test_without_steps_it_is_the_plain_game_bit_for_bit(gan, trainer, batches):
    weights = []
    for kind, more in ((GAN, {}), (UnrolledGAN, {"unrolling_steps": 0})):
        torch.manual_seed(0)
        penalties = {"r1": R1(weight=0.1, interval=2)}
        model = gan(kind, penalties=penalties, discriminator_steps=2, **more)
        torch.manual_seed(1)
        trainer(5).fit(model, batches(8, 2))
        weights.append(model.state_dict())
    assert all(torch.equal(weights[1][name], value) for name, value in weights[0].items())


def test_penalties_on_data_and_on_weights_move_the_copy(warm):
    """Those of the discriminator's next steps, on the copy's own weights."""
    always = {"weight": 3.0, "on": "discriminator", "layers": ["*"]}
    penalties = {"o": Orthogonal(interval=5, **always), "r1": R1(weight=1.0, interval=1)}
    model = warm(penalties=penalties, unrolling_steps=3)
    player(model).step_number = 3  # steps 4, 5 and 6 come
    fake = model.generator(latents())
    moved = unrolled(model, fake)
    network = copy.deepcopy(model.discriminator)
    mine = player(model).optimizer
    optimizer = torch.optim.Adam(network.parameters())
    optimizer.load_state_dict(copy.deepcopy(mine.state_dict()))
    for step in (4, 5, 6):
        optimizer.zero_grad()
        loss = sum(model.loss.discriminator(network(REAL), network(fake.detach())).values())
        loss = loss + penalties["r1"](Context(real=REAL, fake=fake, outputs=network))
        if step == 5:
            products = [w @ w.T for w in (network.layers[0].weight, network.layers[2].weight)]
            loss = loss + 5 * 3.0 * sum((p - p.diag().diag()).square().sum() for p in products)
        loss.backward()
        optimizer.step()
    for key, parameter in network.named_parameters():
        torch.testing.assert_close(moved[f"discriminator.{key}"], parameter, rtol=1e-6, atol=1e-7)


def test_weights_without_any_gradient_do_not_spoil_adam(gan, trainer, batches):
    """A unit that is always off has running squares of zero, where the root's slope is infinite."""
    network = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1), nn.Flatten(0))
    with torch.no_grad():
        network[0].bias[0] = -100.0
    model = gan(UnrolledGAN, discriminator=network, unrolling_steps=3)
    trainer(3).fit(model, batches(8, 2))
    state = model.optimizers()[0].optimizer.state[network[0].weight]
    assert not state["exp_avg_sq"][0].any()
    assert all(parameter.isfinite().all() for parameter in model.parameters())


def test_slopes_that_overflow_away_from_zero_are_kept():
    gradient = torch.tensor([0.0, 1e-30, 0.5, 0.0], requires_grad=True)
    slopes = torch.tensor([float("nan"), float("inf"), float("inf"), 2.0])
    flat_at_zero(gradient).backward(slopes)
    assert gradient.grad.tolist() == [0.0, 0.0, float("inf"), 2.0]


def test_an_optimizer_that_cannot_be_differentiated_is_refused(gan, trainer, batches):
    class Own(torch.optim.Optimizer):
        def __init__(self, parameters):
            super().__init__(parameters, {})

        def step(self, closure=None):
            return closure() if closure else None

    optimizers = {"generator": OPTIMIZERS["sgd"], "discriminator": Own}
    model = gan(UnrolledGAN, optimizers=optimizers, unrolling_steps=1)
    with pytest.raises(InputError, match=r"through the steps of Own: give .* SGD, Adam, AdamW or"):
        trainer(1).fit(model, batches(8, 2))


@pytest.mark.parametrize("steps", [-1, 1.5, True])
def test_numbers_that_are_no_numbers_of_steps_are_refused(gan, steps):
    with pytest.raises(InputError, match="unrolling_steps must be a whole number from 0"):
        gan(UnrolledGAN, unrolling_steps=steps)


def test_bilinear_game_the_generator_meets_the_discriminator_that_will_be(gan, trainer, batches):
    """A linear discriminator after one SGD step is known in closed form.

    With D(x) = w x, minimax costs linearised at w = 0 and fakes t, one step of rate r leads to
    w = r (mean x - mean t) / 2, and the generator's gradient is that of log(1 - D) at w t.
    """
    linear = nn.Linear(1, 1, bias=False)
    model = gan(
        UnrolledGAN,
        generator=nn.Linear(4, 1),
        discriminator=nn.Sequential(linear, nn.Flatten(0)),
        loss=Minimax(label_smoothing=0.0),
        optimizers=dict.fromkeys(("generator", "discriminator"), partial(torch.optim.SGD, lr=0.8)),
        unrolling_steps=1,
    )
    trainer(1).fit(model, batches(4, 1))
    with torch.no_grad():
        linear.weight.zero_()
    real, fake = torch.tensor([[2.0], [4.0]]), torch.tensor([[1.0], [0.0]], requires_grad=True)
    moved = unrolled(model, fake, real)["discriminator.0.weight"]
    assert moved.item() == pytest.approx(0.8 * (3.0 - 0.5) / 2)
    (slopes,) = torch.autograd.grad(moved.sum(), fake)
    torch.testing.assert_close(slopes, torch.full((2, 1), -0.8 / 4))
