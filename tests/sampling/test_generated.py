import pytest
import torch

from ganzoo import create_model
from ganzoo.errors import InputError
from ganzoo.sampling.generated import AveragedGenerator, GeneratedSamples

SMALL = ["network.generator.width=8", "network.discriminator.width=8", "network=mlp"]


@pytest.fixture
def conditional():
    return create_model("conditional_gan", dataset="digits", overrides=SMALL)


def test_parts_make_up_what_the_model_samples_at_once(gan):
    model = gan()
    samples = GeneratedSamples(model, count=10, real_labels=None, seed=3)
    parts = torch.cat([samples.batch(start, min(start + 4, 10)) for start in (0, 4, 8)])
    assert torch.allclose(parts, model.sample(10, seed=3), atol=1e-6)
    assert len(samples) == 10 and samples.labels is None


def test_classes_are_those_of_the_real_samples_in_turn(conditional):
    samples = GeneratedSamples(conditional, count=7, real_labels=torch.tensor([3, 1, 1]), seed=0)
    assert samples.labels.tolist() == [3, 1, 1, 3, 1, 1, 3]
    expected = conditional.sample(7, labels=samples.labels, seed=0)
    assert torch.allclose(samples.batch(0, 7), expected, atol=1e-6)


def test_a_model_without_classes_takes_no_notice_of_them(gan):
    samples = GeneratedSamples(gan(), count=4, real_labels=torch.tensor([3, 1]), seed=0)
    assert samples.labels is None


def test_latents_alone_do_not_choose_a_class(conditional, gan):
    generator = AveragedGenerator(gan())
    latents = generator.latents(5, seed=2)
    assert torch.equal(latents, generator.latents(5, seed=2))
    assert generator.decode(latents).shape == (5, 2)
    with pytest.raises(InputError, match="need a model without classes, this one has 10"):
        AveragedGenerator(conditional).decode(torch.zeros(2, 128))
