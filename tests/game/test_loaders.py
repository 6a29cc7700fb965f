import copy
import logging

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from ganzoo.errors import InputError
from ganzoo.losses.hinge import Hinge
from ganzoo.losses.kernels import NegativeDistance
from ganzoo.losses.maximum_mean_discrepancy import MaximumMeanDiscrepancy
from ganzoo.losses.top_k import TopK

NORMALISED = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))


def loader(samples, batch_size, **options):
    return DataLoader(TensorDataset(torch.randn(samples, 2)), batch_size=batch_size, **options)


class Unknown(IterableDataset):
    """Samples whose number nobody is told."""

    def __init__(self, samples):
        self.samples = samples

    def __iter__(self):
        return iter(torch.randn(self.samples, 2))


@pytest.mark.parametrize(
    ("changes", "samples", "reason"),
    [
        ({"generator": NORMALISED}, 9, "holds only 1: one sample .* batch normalisation: .*drop"),
        (
            {"discriminator_steps": 3},
            10,
            "only 2: .* cannot serve 3 discriminator steps .*drop_last",
        ),
        ({"generator": NORMALISED, "discriminator_steps": 2}, 11, "holds only 3: one sample"),
        (
            {"packing": 2, "discriminator": nn.Linear(4, 1)},
            11,
            "packing=2 needs batches of a multiple of 2 samples, not 3: .*drop_last=True",
        ),
    ],
)
def test_a_last_batch_that_is_too_small_is_refused_before_training(
    gan, trainer, changes, samples, reason
):
    model = gan(**changes)
    run = trainer(-1, max_epochs=1)
    with pytest.raises(InputError, match=f"the last batch of an epoch .*{reason}") as error:
        run.fit(model, loader(samples, 8))
    assert run.global_step == 0
    assert len(str(error.value)) < 300


@pytest.mark.parametrize(
    ("changes", "run", "options"),
    [
        ({}, {"max_epochs": 1}, {}),  # merely smaller
        ({"generator": NORMALISED}, {"max_epochs": 1}, {"drop_last": True}),
        ({"generator": NORMALISED}, {"max_steps": 1}, {}),  # never reached
        ({"generator": NORMALISED}, {"max_epochs": 1, "limit_train_batches": 1}, {}),
    ],
)
def test_other_last_batches_are_fine(gan, trainer, changes, run, options):
    of_run = trainer(**{"steps": run.pop("max_steps", -1)} | run)
    of_run.fit(gan(**changes), loader(9, 8, **options))
    assert of_run.global_step == (1 if changes else 2)


def test_where_the_length_is_not_known_the_batch_is_refused(gan, trainer):
    run = trainer(-1, max_epochs=1)
    with pytest.raises(InputError, match="^one sample in a step .*drop_last=True"):
        run.fit(gan(generator=NORMALISED), DataLoader(Unknown(9), batch_size=8))
    assert run.global_step == 1


def test_a_loss_that_compares_samples_says_so_before_it_has_one_alone(gan, trainer):
    loss = MaximumMeanDiscrepancy(kernel=NegativeDistance(), repulsion=0.0)
    with pytest.raises(InputError, match="last batch .* pairs of samples need .*drop_last=True"):
        trainer(-1, max_epochs=1).fit(gan(loss=loss), loader(9, 8))


def test_asking_whether_one_sample_is_enough_changes_nothing(gan):
    generator = nn.Sequential(nn.Linear(4, 8), nn.Unflatten(1, (2, 2, 2)), nn.BatchNorm2d(2))
    generator.extend([nn.Dropout(0.5), nn.Flatten(), nn.Linear(8, 2)])
    model = gan(
        generator=generator, loss=TopK(loss=Hinge(), gamma=0.5, interval=1, minimum_share=0.1)
    )
    before, random = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    model.check_size(1)  # maps have several values for each channel
    assert torch.equal(torch.get_rng_state(), random)
    assert model.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("size", "level", "words"),
    [
        (
            64,
            "WARNING",
            "a batch of 64 is one iteration: 5 discriminator steps of 12 or 13 samples",
        ),
        (60, "INFO", "a batch of 60 is one iteration: 5 discriminator steps of 12 samples each"),
    ],
)
def test_a_batch_that_is_divided_is_explained_once(gan, trainer, caplog, size, level, words):
    with caplog.at_level(logging.INFO, "ganzoo"):
        trainer(2).fit(gan(discriminator_steps=5), loader(2 * size, size))
    (record,) = [record for record in caplog.records if "one iteration" in record.message]
    assert record.levelname == level
    assert record.message.startswith(words)
    assert record.message.endswith(f"for steps of {size} give the loader batch_size={5 * size}")


def test_whole_batches_need_no_words(gan, trainer, caplog):
    with caplog.at_level(logging.INFO, "ganzoo"):
        trainer(1).fit(gan(), loader(8, 8))
    assert not caplog.records
