import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, energy_distance

from ganzoo.errors import InputError
from ganzoo.losses import Cramer

batches = st.lists(st.floats(-20, 20), min_size=2, max_size=6).map(np.array)


def generator(real, fake):
    real, fake = torch.tensor(real), torch.tensor(fake)
    return Cramer().generator_against(fake, lambda: real)["adversarial"].item()


@settings(max_examples=40, deadline=None)
@given(real=batches, fake=batches)
def test_generator_pays_the_energy_distance_up_to_what_it_cannot_change(real, fake):
    """scipy's counts pairs of a sample with itself, and is a square root."""
    within_real = np.abs(real[:, None] - real).mean()
    within_fake = np.abs(fake[:, None] - fake).sum() / len(fake)
    correction = within_fake / (len(fake) - 1) - within_fake / len(fake)
    expected = energy_distance(real, fake) ** 2 + within_real - correction
    assert generator(real, fake) == pytest.approx(expected, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(fake=batches, count=st.integers(2, 4))
def test_critic_gains_the_energy_distance_where_all_real_data_are_at_its_point(fake, count):
    """f takes 0 for a real sample: between generated data and a point mass there it is exact."""
    real = np.zeros(count)
    terms = Cramer().discriminator(torch.tensor(real), torch.tensor(fake))
    assert -sum(terms.values()).item() == pytest.approx(generator(real, fake), abs=1e-9)


def test_critic_gains_the_difference_of_the_means_of_f():
    real, fake = torch.tensor([1.0, -3.0, 2.0]), torch.tensor([5.0, 0.5])
    terms = Cramer().discriminator(real, fake)
    of_real = np.mean([(abs(x - 5.0) + abs(x - 0.5)) / 2 - abs(x) for x in (1.0, -3.0, 2.0)])
    of_fake = np.mean([4.5 - 5.0, 4.5 - 0.5])
    assert terms["real"].item() == pytest.approx(-of_real)
    assert terms["fake"].item() == pytest.approx(of_fake)


def test_samples_lead_to_the_right_minimum_where_those_of_wasserstein_do_not():
    """Bellemare et al. (2017): Bernoulli(0.6) by batches of 4, all of them enumerated.

    The mean loss over all batches is least at the data's share for this loss, and elsewhere for
    the Wasserstein distance of the two samples.
    """
    size, share = 4, 0.6
    levels = np.linspace(0.05, 0.95, 19)
    batches = [np.repeat([0.0, 1.0], [size - ones, ones]) for ones in range(size + 1)]
    of_data = binom.pmf(range(size + 1), size, share)
    cramer = np.array([[generator(real, fake) for fake in batches] for real in batches])
    ones = np.arange(size + 1) / size
    wasserstein = np.abs(ones[:, None] - ones)
    best = {}
    for name, costs in {"cramer": cramer, "wasserstein": wasserstein}.items():
        means = [of_data @ costs @ binom.pmf(range(size + 1), size, q) for q in levels]
        best[name] = levels[np.argmin(means)]
    assert best["cramer"] == pytest.approx(share)
    assert best["wasserstein"] > share + 0.04


def test_a_batch_without_pairs_is_refused():
    with pytest.raises(InputError, match="at least 2 samples, not 1"):
        Cramer().discriminator(torch.zeros(3), torch.zeros(1))
