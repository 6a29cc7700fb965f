import math

import pytest
import torch
from scipy.spatial.distance import pdist
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from ganzoo.callbacks.cycling import Cycling
from ganzoo.callbacks.symptoms import (
    Collapse,
    DiscriminatorWon,
    GameStatistics,
    accuracy,
    mean_distance,
    ranking,
)
from ganzoo.errors import InputError

COLLAPSE = {"diversity": 0.1, "warm_up": 50, "measurements": 4}
WON = {"ranking": 0.99, "gradient": 0.01, "patience": 3}


def look(step, **changes):
    healthy = {
        "real_logits": 0.01 * step,  # the discriminator gets surer and surer
        "fake_logits": -0.5,
        "accuracy": 0.7,
        "ranking": 0.8,
        "diversity": 0.9,
        "spread": 1.0,
        "gradient_norm": 1.0,
        "position": [0.0],
    }
    return GameStatistics(step=step, **(healthy | changes))


def first_notice(symptom, name, values, *, every=10, **others):
    """The index of the measurement at which a symptom is noticed."""
    for index, value in enumerate(values):
        if symptom.notice(look(every * (index + 1), **{name: value}, **others)):
            return index
    return None


@pytest.fixture
def outputs():
    generator = torch.Generator().manual_seed(0)
    real = torch.randn(40, generator=generator).mul(2).round() + 1  # rounded: there are ties
    return real, torch.randn(30, generator=generator).mul(2).round()


def test_ranking_is_the_area_under_the_roc_curve(outputs):
    real, fake = outputs
    expected = roc_auc_score([1] * 40 + [0] * 30, torch.cat([real, fake]))
    assert ranking(real, fake).item() == pytest.approx(expected, rel=1e-6)


def test_ranking_has_no_zero_point_and_no_scale(outputs):
    real, fake = outputs
    assert ranking(real, fake) == ranking(5 * real - 100, 5 * fake - 100)
    assert ranking(fake, real).item() == pytest.approx(1 - ranking(real, fake).item(), rel=1e-6)
    assert ranking(torch.tensor([3.0, 4.0]), torch.tensor([1.0, 2.0])) == 1
    assert ranking(torch.zeros(3), torch.zeros(5)) == 0.5


def test_accuracy_is_that_of_the_sign(outputs):
    real, fake = outputs
    truth, guess = [1] * 40 + [0] * 30, (torch.cat([real, fake]) > 0).int()
    expected = balanced_accuracy_score(truth, guess)
    assert accuracy(real, fake).item() == pytest.approx(expected, rel=1e-6)
    assert accuracy(torch.full((4,), 9.0), torch.full((2,), 8.0)) == 0.5


def test_mean_distance_is_over_pairs_of_different_samples():
    images = torch.randn(12, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    expected = pdist(images.flatten(1).double().numpy()).mean()
    assert mean_distance(images).item() == pytest.approx(expected, rel=1e-6)
    assert mean_distance(torch.zeros(4, 2)) == 0
    assert mean_distance(torch.zeros(1, 2)).isnan()


def test_a_collapse_is_noticed_when_it_has_lasted():
    assert first_notice(Collapse(**COLLAPSE), "diversity", [0.9] * 6 + [0.05] * 9) == 8


def test_a_generator_that_jumps_from_mode_to_mode_has_collapsed():
    jumps = [0.03, 0.9, 0.02, 0.01, 0.02] * 4
    assert first_notice(Collapse(**COLLAPSE), "diversity", jumps) is not None


@pytest.mark.parametrize(
    "diversities",
    [
        [0.01] * 4 + [0.9] * 20,  # before the warm-up is over
        [0.001 * 1.05**i for i in range(60)],  # still spreading
        [0.9, 0.9, 0.01] * 9,  # now and then
        [0.11] * 30,
        [math.nan] * 30,  # the data are all the same
    ],
)
def test_what_is_no_collapse(diversities):
    assert first_notice(Collapse(**COLLAPSE), "diversity", diversities) is None


def test_the_words_on_a_collapse():
    symptom = Collapse(**COLLAPSE)
    words = [symptom.notice(look(step, diversity=0.02)) for step in (60, 70, 80, 90)]
    assert words[:3] == [None] * 3
    assert "two of them are typically 2% as far apart as two real ones" in words[3]
    assert "penalty=r1" in words[3]
    assert "\n" not in words[3]


def test_the_discriminator_has_won_when_the_gradient_is_gone():
    norms = [3.0, 4.0, *[0.1 * 0.5**i for i in range(20)]]  # below 0.04 from the fifth on
    assert first_notice(DiscriminatorWon(**WON), "gradient_norm", norms, ranking=1.0) == 6


@pytest.mark.parametrize(
    ("norms", "rank"),
    [
        ([2.0] * 50, 1.0),  # a critic that ranks perfectly and teaches
        ([2.0 * 0.5**i for i in range(50)], 0.6),  # the game ends in an equilibrium
        ([2.0, 1e-3, 1e-3, 2.0] * 9, 1.0),  # never long enough
        ([math.nan] * 50, 1.0),  # not known
        ([math.inf, *[1.0] * 50], 1.0),  # one step that was not finite
    ],
)
def test_when_the_discriminator_has_not_won(norms, rank):
    assert first_notice(DiscriminatorWon(**WON), "gradient_norm", norms, ranking=rank) is None


def test_a_game_that_ends_in_one_place_has_not_been_won():
    """Ranking is perfect to the last between two points, however near one another."""
    symptom = DiscriminatorWon(**WON)
    for step in range(50):
        small = 0.5**step
        near = {"real_logits": 0.0, "fake_logits": -small, "gradient_norm": small}
        assert symptom.notice(look(step, ranking=1.0, **near)) is None


def test_the_words_on_a_discriminator_that_has_won():
    symptom = DiscriminatorWon(**WON)
    norms = [4.0, 1e-3, 1e-3, 2e-4]
    words = [
        symptom.notice(look(step, ranking=1.0, gradient_norm=norm))
        for step, norm in enumerate(norms)
    ]
    assert words[:3] == [None] * 3
    assert "ranks 100% of the pairs" in words[3]
    assert "(norm 0.0002, once 4)" in words[3]
    assert "loss=non_saturating" in words[3]
    assert "lower optimizer.discriminator.lr" in words[3]


@pytest.mark.parametrize("stop", [1, 5, 9, 10])
@pytest.mark.parametrize(
    ("make", "name", "values"),
    [
        (lambda: Collapse(**COLLAPSE), "diversity", [0.9] * 8 + [0.05] * 9),
        (lambda: DiscriminatorWon(**WON), "gradient_norm", [9.0] * 8 + [0.01] * 9),
        (
            lambda: Cycling(
                window=11, scales=[1], cycles=3, share=0.5, steadiness=0.5, amplitude=0.1
            ),
            "position",
            [[math.sin(2 * index)] for index in range(12)],
        ),
    ],
)
def test_a_symptom_goes_on_from_its_state(make, name, values, stop):
    expected = first_notice(make(), name, values, ranking=1.0)
    assert expected == 10
    before, after = make(), make()
    for index, value in enumerate(values[:stop]):
        before.notice(look(10 * (index + 1), **{name: value}, ranking=1.0))
    after.load_state_dict(before.state_dict())
    notices = [
        after.notice(look(10 * (index + 1), **{name: value}, ranking=1.0))
        for index, value in list(enumerate(values))[stop:]
    ]
    assert [bool(words) for words in notices].index(True) == expected - stop


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (Collapse, COLLAPSE | {"diversity": 0}, "diversity must be a positive number, not 0"),
        (Collapse, COLLAPSE | {"measurements": 1}, "measurements must be at least 2"),
        (
            DiscriminatorWon,
            WON | {"patience": 1.5},
            "patience must be a whole number from 1 up, not 1.5",
        ),
        (DiscriminatorWon, WON | {"ranking": 0.4}, "ranking must be above 0.5 and at most 1"),
        (DiscriminatorWon, WON | {"gradient": -1}, "gradient must be a positive number, not -1"),
    ],
)
def test_settings_out_of_range(kind, settings, message):
    with pytest.raises(InputError, match=message):
        kind(**settings)
