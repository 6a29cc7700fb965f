import pytest
import torch

from ganzoo.errors import InputError
from ganzoo.theory.games import Bilinear, QuadraticSaddle
from ganzoo.theory.operators import Alternating, GradientDescent, Simultaneous
from ganzoo.theory.operators_adaptive import Adam, FrozenAdam, RMSprop
from ganzoo.theory.trajectories import trajectory
from ganzoo.theory.verdict import linearisation, spectral_radius

GAME = QuadraticSaddle(discriminator_curvature=0.4, generator_curvature=0.2, coupling=1.0)
START = torch.tensor([1.0, -0.5], dtype=torch.float64)
XY = Bilinear(matrix=[[1.0]])


def torchs(make, steps):
    """The zoo's way: one optimizer for each player, in turn."""
    players = [START[:1].clone().requires_grad_(), START[1:].clone().requires_grad_()]
    optimizers = [make([weights]) for weights in players]
    for _ in range(steps):
        for index, (weights, optimizer) in enumerate(zip(players, optimizers, strict=True)):
            field = GAME.field(torch.cat(players).detach())
            weights.grad = field[index : index + 1]
            optimizer.step()
    return torch.cat(players).detach()


@pytest.mark.parametrize(
    ("rule", "make"),
    [
        (
            Adam(learning_rate=0.05, epsilon=1e-6, betas=[0.5, 0.9]),
            lambda p: torch.optim.Adam(p, lr=0.05, betas=(0.5, 0.9), eps=1e-6),
        ),
        (
            Adam(learning_rate=0.05, epsilon=1e-6, betas=[0.0, 0.99]),
            lambda p: torch.optim.Adam(p, lr=0.05, betas=(0.0, 0.99), eps=1e-6),
        ),
        (
            RMSprop(learning_rate=0.02, epsilon=1e-6, decay=0.95),
            lambda p: torch.optim.RMSprop(p, lr=0.02, alpha=0.95, eps=1e-6),
        ),
    ],
)
def test_steps_are_those_of_torch(rule, make):
    operator = Alternating(rule=rule, discriminator_steps=1)
    found = trajectory(operator, GAME, start=START, steps=40)[-1]
    torch.testing.assert_close(found, torchs(make, 40), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "rule",
    [
        Adam(learning_rate=0.1, epsilon=1e-8, betas=[0.5, 0.9]),
        RMSprop(learning_rate=0.1, epsilon=1e-8, decay=0.9),
    ],
)
def test_a_divisor_that_vanishes_has_no_linearisation(rule):
    with pytest.raises(InputError, match="choose FrozenAdam"):
        linearisation(Simultaneous(rule=rule), XY, XY.equilibrium)


def test_frozen_adam_without_momentum_is_gradient_descent_with_another_rate():
    frozen = FrozenAdam(learning_rate=0.1, epsilon=0.5, first_beta=0.0, second_moment=2.25)
    plain = GradientDescent(learning_rate=0.1 / (1.5 + 0.5))
    found, expected = (
        trajectory(Simultaneous(rule=rule), GAME, start=START, steps=30) for rule in (frozen, plain)
    )
    torch.testing.assert_close(found, expected)


def test_frozen_adam_is_adam_long_after_the_start_while_its_second_moment_stays():
    frozen = FrozenAdam(learning_rate=0.1, epsilon=0.3, first_beta=0.6, second_moment=2.0)
    adam = Adam(learning_rate=0.1, epsilon=0.3, betas=[0.6, 1 - 1e-13])
    rows = frozen.initial(START)
    moments = torch.full_like(START, 2.0), torch.ones_like(START), torch.ones_like(START)
    full = torch.stack([*rows, *moments])
    for _ in range(50):
        rows = frozen.update(rows, GAME.field(rows[0]))
        full = adam.update(full, GAME.field(full[0]))
    torch.testing.assert_close(full[:2], rows)


def test_momentum_of_the_usual_sign_drives_adam_away_from_a_bilinear_equilibrium():
    def radius(beta):
        rule = FrozenAdam(learning_rate=0.1, epsilon=1e-8, first_beta=beta, second_moment=1.0)
        operator = Alternating(rule=rule, discriminator_steps=1)
        return spectral_radius(operator, XY, XY.equilibrium)

    assert radius(0.0) == pytest.approx(1, abs=1e-9)
    assert 1.001 < radius(0.5) < radius(0.9)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Adam(learning_rate=0.1, epsilon=0.0, betas=[0.5, 0.9]), "epsilon must be"),
        (lambda: Adam(learning_rate=0.1, epsilon=1.0, betas=[0.5, 1.0]), "betas must be at least"),
        (lambda: Adam(learning_rate=0.1, epsilon=1.0, betas=[0.5]), "two numbers"),
        (lambda: RMSprop(learning_rate=0.1, epsilon=1.0, decay=-0.1), "decay must be at least"),
        (
            lambda: FrozenAdam(learning_rate=1, epsilon=1, first_beta=0.5, second_moment=0),
            "second_moment must be a positive number",
        ),
    ],
)
def test_wrong_numbers_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
