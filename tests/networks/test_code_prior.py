import math
import pickle

import pytest
import torch
from scipy import stats

from ganzoo.errors import InputError
from ganzoo.networks.code_prior import CodePrior

MNIST = CodePrior(latent_dim=74, categories=[10], continuous=2)
MIXED = CodePrior(latent_dim=12, categories=[3, 2], continuous=2)
PRIORS = pytest.mark.parametrize(
    "prior",
    [
        MNIST,
        MIXED,
        CodePrior(latent_dim=5, categories=[5], continuous=0),
        CodePrior(latent_dim=3, categories=[], continuous=3),
        CodePrior(latent_dim=4, categories=[], continuous=1),
    ],
)


def draw(prior, count=4000, **options):
    return prior.sample(count, generator=torch.Generator().manual_seed(0), **options)


def follows(values, distribution):
    return stats.kstest(values.double().flatten().numpy(), distribution.cdf).pvalue > 1e-3


def test_latents_are_split_into_what_they_were_put_together_from():
    latents = torch.tensor(
        [
            [0, 1, 0, 1, 0, 0.5, -0.5, 9, 8, 7, 6, 5],
            [0, 0, 1, 0, 1, -1.0, 0.25, 1, 2, 3, 4, 5],
        ]
    )
    categories, continuous, noise = MIXED.codes(latents)
    assert [values.tolist() for values in categories] == [[1, 2], [0, 1]]
    assert continuous.tolist() == [[0.5, -0.5], [-1.0, 0.25]]
    assert noise.tolist() == [[9, 8, 7, 6, 5], [1, 2, 3, 4, 5]]
    assert MIXED.noise_dim == 5


@PRIORS
def test_each_part_follows_its_distribution(prior):
    latents = draw(prior)
    categories, continuous, noise = prior.codes(latents)
    assert len(categories) == len(prior.categories)
    for values, count in zip(categories, prior.categories, strict=True):
        assert stats.chisquare(torch.bincount(values, minlength=count)).pvalue > 1e-3
    assert continuous.shape == (4000, prior.continuous)
    assert noise.shape == (4000, prior.noise_dim)
    if prior.continuous:
        assert follows(continuous, stats.uniform(-1, 2))
    if prior.noise_dim:
        assert follows(noise, stats.norm())


@PRIORS
def test_categories_are_one_hot_numbers(prior):
    width = sum(prior.categories)
    marks, rest = draw(prior).split([width, prior.latent_dim - width], dim=1)
    blocks = marks.split(list(prior.categories), dim=1) if width else ()
    for block in blocks:
        assert set(block.flatten().tolist()) == {0.0, 1.0}
        assert block.sum(dim=1).eq(1).all()
    assert rest.shape[1] == prior.continuous + prior.noise_dim


def test_the_parts_are_independent():
    latents = draw(MIXED)
    chosen = latents[:, [0, 3, *range(5, 12)]]  # one number of each category
    correlation = torch.corrcoef(chosen.T) - torch.eye(9)
    assert correlation.abs().max() < 5 / math.sqrt(4000)


def test_truncation_restricts_the_noise_alone():
    categories, continuous, noise = MIXED.codes(draw(MIXED, truncation=0.5))
    assert follows(continuous, stats.uniform(-1, 2))
    assert follows(noise, stats.truncnorm(-0.5, 0.5))
    assert {len(values.unique()) for values in categories} == {3, 2}


@PRIORS
def test_the_generator_alone_decides(prior):
    torch.manual_seed(1)
    first, state = draw(prior, 7), torch.get_rng_state()
    assert torch.equal(draw(prior, 7), first)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(draw(pickle.loads(pickle.dumps(prior)), 7), first)
    assert not torch.equal(prior.sample(7, generator=torch.Generator().manual_seed(1)), first)
    assert first.shape == (7, prior.latent_dim)


def test_latents_are_float32_whatever_torch_s_default():
    torch.set_default_dtype(torch.float64)
    try:
        assert MIXED.sample(2, device="cpu").dtype == torch.float32
    finally:
        torch.set_default_dtype(torch.float32)


def test_without_a_generator_it_draws_from_the_global_state():
    torch.manual_seed(3)
    first = MIXED.sample(5)
    torch.manual_seed(3)
    assert torch.equal(MIXED.sample(5), first)
    assert not torch.equal(MIXED.sample(5), first)


@pytest.mark.gpu
def test_a_cpu_generator_gives_the_same_latents_on_another_device(device):
    assert torch.equal(draw(MIXED, device=device).cpu(), draw(MIXED))
    assert MIXED.sample(3, device=device).device.type == device.type


def test_entropies_are_those_of_the_distributions():
    categorical = stats.entropy([1 / 3] * 3) + stats.entropy([1 / 2] * 2)
    continuous = 2 * stats.uniform(-1, 2).entropy()
    assert MIXED.entropies == pytest.approx({"categorical": categorical, "continuous": continuous})
    assert MIXED.entropy == pytest.approx(categorical + continuous)
    only = CodePrior(latent_dim=5, categories=[5], continuous=0)
    assert only.entropies == pytest.approx({"categorical": math.log(5)})


def test_the_paper_s_numbers_leave_its_62_of_noise():
    assert (MNIST.noise_dim, MNIST.categories, MNIST.continuous) == (62, (10,), 2)


@pytest.mark.parametrize(
    ("latent_dim", "categories", "continuous", "message"),
    [
        (
            11,
            [10],
            2,
            r"network.latent.latent_dim must be at least 12, not 11: categories \[10\] and 2",
        ),
        (4, [], 0, "has at least one: give it categories"),
        (4, [1], 0, "categories must be a whole number from 2 up, not 1"),
        (4, [2.0], 0, "categories must be a whole number from 2 up, not 2.0"),
        (4, 3, 0, r"must be a list with the number of values of each .*, as \[10\], not 3"),
        (4, "10", 0, "must be a list"),
        (4, [2], -1, "continuous must be a whole number from 0 up, not -1"),
        (0, [2], 1, "latent_dim must be a whole number from 1 up, not 0"),
    ],
)
def test_wrong_numbers_are_refused_in_one_line(latent_dim, categories, continuous, message):
    with pytest.raises(InputError, match=message) as error:
        CodePrior(latent_dim=latent_dim, categories=categories, continuous=continuous)
    assert "\n" not in str(error.value)


def test_a_truncation_that_is_not_positive_is_refused():
    with pytest.raises(InputError, match="truncation must be a positive number"):
        MIXED.sample(2, truncation=0.0)
