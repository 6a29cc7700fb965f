from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from ganzoo.errors import InputError
from ganzoo.game.averaging import ExponentialMovingAverage
from ganzoo.models.conditional_gan import ConditionalGAN
from ganzoo.networks.conditional import LabelCodeDiscriminator, LabelCodeGenerator
from ganzoo.networks.label_codes import OneHotLabels


def test_same_seed_same_samples_and_no_trace_in_the_global_state(gan):
    model = gan()
    state = torch.get_rng_state()
    first = model.sample(10, seed=3, batch_size=4)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first, model.sample(10, seed=3, batch_size=10))
    assert not torch.equal(first, model.sample(10, seed=4))


def test_without_a_seed_torch_decides(gan):
    model = gan()
    torch.manual_seed(1)
    first, second = model.sample(4), model.sample(4)
    torch.manual_seed(1)
    assert torch.equal(first, model.sample(4))
    assert not torch.equal(first, second)


def test_sampling_runs_in_evaluation_mode_and_restores_training(gan):
    model = gan(generator=nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2)))
    model.generator[1].eval()
    model.generator[0].train()
    model.sample(4, seed=0)
    assert not model.generator[1].training
    assert model.generator[0].training
    assert model.generator[1].num_batches_tracked == 0


def test_raw_and_averaged_weights(gan):
    model = gan(ema=partial(ExponentialMovingAverage, decay=0.9, start_step=0))
    with torch.no_grad():
        model.generator[0].weight.add_(1.0)
    raw = model.sample(4, seed=0, averaged=False)
    averaged = model.sample(4, seed=0)
    assert not torch.equal(raw, averaged)
    torch.testing.assert_close(
        raw,
        model.generator(model.latent_prior.sample(4, generator=torch.Generator().manual_seed(0))),
    )


@pytest.mark.parametrize("count", [0, -3])
def test_count_must_be_positive(gan, count):
    with pytest.raises(InputError, match="n must be a positive number"):
        gan().sample(count)


def test_unconditional_model_takes_no_labels(gan):
    with pytest.raises(InputError, match="this model has no classes"):
        gan().sample(3, labels=1)


@pytest.fixture
def conditional(gan):
    network = partial(lambda latent_dim: nn.Linear(latent_dim, 2))
    judge = partial(lambda shape: nn.Sequential(nn.Linear(shape[0], 1), nn.Flatten(0)))
    return gan(
        ConditionalGAN,
        num_classes=3,
        generator=LabelCodeGenerator(
            network=network, latent_dim=4, label_code=OneHotLabels(num_classes=3)
        ),
        discriminator=LabelCodeDiscriminator(
            network=judge, shape=[2], label_code=OneHotLabels(num_classes=3)
        ),
    )


def test_labels_choose_the_class(conditional):
    network = conditional.generator.network
    one = conditional.sample(5, labels=1, seed=0)
    two = conditional.sample(5, labels=[2, 2, 2, 2, 2], seed=0)
    shift = (network.weight[:, 4 + 2] - network.weight[:, 4 + 1]).detach()
    torch.testing.assert_close(two - one, shift.expand(5, 2))


def test_labels_default_to_random_classes_of_the_seed(conditional):
    assert torch.equal(conditional.sample(9, seed=0), conditional.sample(9, seed=0))


@pytest.mark.parametrize("labels", [3, -1, [0, 1, 7]])
def test_label_out_of_range(conditional, labels):
    message = r"label (3|-1|7) is out of range: 3 classes have labels 0 to 2"
    with pytest.raises(InputError, match=message):
        conditional.sample(3, labels=labels)


@pytest.mark.parametrize(
    "labels",
    [
        torch.tensor([0, 2], dtype=torch.int32),
        torch.tensor([[0.0], [2.0]]),
        torch.tensor([[1, 0, 0], [0, 0, 1]]),
        np.array([0, 2], dtype=np.uint8),
    ],
)
def test_labels_of_any_type_choose_the_same_classes(conditional, labels):
    wanted = conditional.sample(2, labels=[0, 2], seed=0)
    assert torch.equal(conditional.sample(2, labels=labels, seed=0), wanted)


def test_labels_of_a_batch(conditional):
    batch = [torch.zeros(3, 2), torch.tensor([[0.0], [2.0], [1.0]])]
    fields = conditional.read_batch(batch)
    assert (fields["real"].shape, fields["labels"].tolist()) == ((3, 2), [0, 2, 1])
    with pytest.raises(InputError, match="a batch has 3 samples and 2 labels"):
        conditional.read_batch([torch.zeros(3, 2), torch.tensor([0, 1])])


def test_number_of_labels(conditional):
    with pytest.raises(InputError, match="give one label or 4, not 2"):
        conditional.sample(4, labels=[0, 1])


def test_conditional_model_needs_labelled_batches(conditional, trainer, batches):
    trainer(2).fit(conditional, batches(6, 2, labels=3))
    with pytest.raises(InputError, match="needs labels"):
        trainer(2).fit(conditional, batches(6, 2))


def test_conditional_model_needs_classes(gan):
    with pytest.raises(InputError, match="data set with classes"):
        gan(ConditionalGAN, num_classes=None)
