import warnings

import pytest
import torch
from lightning.pytorch import Callback, LightningModule

from ganzoo.data.datamodule import DataModule
from ganzoo.data.domains import PairedDomains, UnpairedDomains
from ganzoo.data.points import Ring, SwissRoll
from ganzoo.errors import InputError


class Recorder(LightningModule):
    """Keeps every batch that it is trained on."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.seen = []

    def training_step(self, batch):
        parts = list(batch.values()) if isinstance(batch, dict) else batch
        self.seen.append([part.clone() for part in parts])
        return self.weight * parts[0].mean()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


class SaveAt(Callback):
    def __init__(self, step, path):
        self.step, self.path = step, path

    def on_train_batch_end(self, trainer, *arguments):
        if trainer.global_step == self.step:
            trainer.save_checkpoint(self.path)


def ring():
    return Ring(modes=8, radius=2.0, deviation=0.02)


def train(trainer, datamodule, steps, checkpoint=None, **changes):
    model = Recorder()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        trainer(steps, **changes).fit(model, datamodule=datamodule, ckpt_path=checkpoint)
    return model.seen


def same(one, other):
    return len(one) == len(other) and all(
        torch.equal(a, b)
        for x, y in zip(one, other, strict=True)
        for a, b in zip(x, y, strict=True)
    )


def test_pictures_reach_the_model_between_minus_1_and_1(trainer, numbers, module):
    (batch,) = train(trainer, module(numbers(256), batch_size=128), steps=1)
    data, labels = batch
    assert data.dtype == torch.float32
    assert labels.dtype == torch.int64
    assert data.shape == (256, 1, 2, 2)
    assert torch.allclose(data[:, 0, 1, 0], labels / 127.5 - 1, atol=1e-7)
    assert data.min() == -1
    assert data.max() == 1


def test_points_stay_in_their_own_units(trainer, module):
    (batch,) = train(trainer, module(ring()), steps=1)
    assert batch[0].shape == (8, 2)
    assert (batch[0].norm(dim=1) - 2).abs().max() < 0.2


def test_labels_are_left_out_without_classes(trainer, numbers, module):
    seen = train(trainer, module(numbers(256), num_classes=None), steps=2)
    assert [len(batch) for batch in seen] == [1, 1]
    assert module(numbers(256), num_classes=None).real(5, 0)[1] is None


KINDS = ["pictures", "workers", "points", "pairs", "domains", "domains in workers"]
SOURCES = pytest.mark.parametrize("kind", KINDS)


def make(kind, module, numbers, crops, **changes):
    if kind == "points":
        return module(ring(), **changes)
    if kind == "pairs":
        return module(PairedDomains(source=crops(30, 3), channels_a=1), **changes)
    if kind.startswith("domains"):
        in_memory = kind == "domains"
        domains = UnpairedDomains(a=crops(30, 3, in_memory), b=crops(11, 1, in_memory))
        return module(domains, horizontal_flip=True, num_workers=1, **changes)
    in_memory = kind == "pictures"
    return module(numbers(30, in_memory=in_memory), horizontal_flip=True, num_workers=1, **changes)


@pytest.mark.parametrize(("minibatches", "samples"), [(3, 12), (None, 4)])
def test_the_model_that_is_trained_says_how_many_minibatches_a_batch_has(
    trainer, numbers, module, minibatches, samples
):
    model = Recorder()
    if minibatches is not None:
        model.minibatches_per_iteration = minibatches
    datamodule = DataModule(source=numbers(30), num_classes=30, batch_size=4, num_workers=0)
    assert datamodule.minibatches_per_iteration == 1
    trainer(2).fit(model, datamodule=datamodule)
    assert [len(data) for data, _ in model.seen] == [samples, samples]


@SOURCES
def test_a_resumed_run_sees_the_same_batches(kind, trainer, numbers, crops, module, tmp_path):
    path = tmp_path / "middle.ckpt"
    whole = train(trainer, make(kind, module, numbers, crops), 9, callbacks=[SaveAt(4, path)])
    state = torch.load(path, weights_only=True)["loops"]["fit_loop"]["state_dict"]
    assert state["combined_loader"] == [{"iteration": 4}]
    resumed = train(trainer, make(kind, module, numbers, crops), 9, checkpoint=path)
    assert same(resumed, whole[4:])


@pytest.mark.parametrize("step", [1, 4, 5])
def test_a_run_in_epochs_resumes_in_the_middle_and_at_the_end_of_one(
    step, trainer, numbers, module, tmp_path
):
    path = tmp_path / "middle.ckpt"
    epochs = {"max_epochs": 3, "steps": -1}
    whole = train(trainer, module(numbers(30)), **epochs, callbacks=[SaveAt(step, path)])
    assert len(whole) == 3 * 4
    resumed = train(trainer, module(numbers(30)), **epochs, checkpoint=path)
    assert same(resumed, whole[step:])


def test_epochs_are_passes(trainer, numbers, module):
    seen = train(trainer, module(numbers(32)), steps=-1, max_epochs=2)
    labels = torch.cat([batch[1] for batch in seen])
    assert sorted(labels[:32].tolist()) == sorted(labels[32:].tolist()) == list(range(32))


def test_shortened_epochs_repeat_nothing(trainer, numbers, module):
    seen = train(trainer, module(numbers(32)), steps=-1, max_epochs=4, limit_train_batches=3)
    endless = train(trainer, module(numbers(32)), steps=12)
    assert same(seen, endless)


def test_a_loader_asked_for_anew_goes_on(trainer, numbers, module):
    anew = {"max_epochs": 3, "reload_dataloaders_every_n_epochs": 1}
    seen = train(trainer, module(numbers(32)), steps=-1, **anew)
    assert same(seen, train(trainer, module(numbers(32)), steps=12))


@SOURCES
def test_overfitting_repeats_the_first_batches(kind, trainer, numbers, crops, module, tmp_path):
    path = tmp_path / "middle.ckpt"
    first = train(trainer, make(kind, module, numbers, crops), 2)
    overfit, save = {"overfit_batches": 2}, SaveAt(3, path)
    seen = train(trainer, make(kind, module, numbers, crops), 6, callbacks=[save], **overfit)
    assert same(seen, first * 3)
    resumed = train(trainer, make(kind, module, numbers, crops), 6, checkpoint=path, **overfit)
    assert same(resumed, seen[3:])


def test_overfitting_a_part_of_an_epoch(trainer, numbers, module):
    seen = train(trainer, module(numbers(32)), steps=6, overfit_batches=0.5)
    assert same(seen, train(trainer, module(numbers(32)), steps=2) * 3)
    with pytest.raises(InputError, match=r"0.1 of an epoch of 4 batches is less than one batch"):
        train(trainer, module(numbers(32)), steps=6, overfit_batches=0.1)
    with pytest.raises(InputError, match=r"overfit_batches=0.5 has no meaning for Ring"):
        train(trainer, module(ring()), steps=6, overfit_batches=0.5)


def test_a_dry_run_needs_no_epochs(trainer, module):
    assert len(train(trainer, module(ring()), steps=9, fast_dev_run=2)) == 2


def test_fresh_samples_have_epochs_of_a_set_length(trainer, module):
    assert len(train(trainer, module(ring(), samples_per_epoch=20), steps=-1, max_epochs=2)) == 6
    with pytest.raises(InputError, match=r"set trainer.max_steps, or dataset.samples_per_epoch"):
        train(trainer, module(ring()), steps=-1, max_epochs=2)


class FakeTrainer:
    """What the data module asks of a trainer, for one process of several."""

    fast_dev_run, overfit_batches = False, 0.0

    def __init__(self, rank, world_size):
        self.global_rank, self.world_size, self.max_epochs = rank, world_size, -1
        self.fit_loop = type("Fit", (), {"epoch_loop": type("Epoch", (), {"total_batch_idx": -1})})


@SOURCES
def test_processes_together_see_the_batch_of_one(kind, numbers, crops, module):
    def batches(rank, world_size, batch_size):
        datamodule = make(kind, module, numbers, crops, batch_size=batch_size)
        datamodule.trainer = FakeTrainer(rank, world_size)
        stream = datamodule.train_dataloader()
        return [next(iterator) for iterator in [iter(stream)] for _ in range(6)]

    ranks = [batches(rank, 3, 2) for rank in range(3)]
    for iteration, alone in enumerate(batches(0, 1, 6)):
        for part, expected in alone.items() if isinstance(alone, dict) else enumerate(alone):
            steps = [rank[iteration][part].unflatten(0, (2, 2)) for rank in ranks]
            assert torch.equal(torch.cat(steps, dim=1).flatten(0, 1), expected)


def test_points_are_fresh_in_every_iteration(module):
    stream = iter(module(ring()).train_dataloader())
    points = torch.cat([next(stream)[0] for _ in range(50)])
    assert len(points.unique(dim=0)) == len(points) == 50 * 8


def test_seeds_give_different_batches(numbers, module):
    first, again, other = (
        next(iter(module(numbers(200), seed=seed).train_dataloader()))[1] for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_flips_mirror_about_half_of_the_pictures_anew_each_time(numbers, module):
    class Slopes(numbers):
        def gather(self, indices):
            return torch.arange(4, dtype=torch.uint8).expand(len(indices), 1, 4, 4).clone(), None

    datamodule = module(Slopes(50), num_classes=None, horizontal_flip=True, batch_size=500, seed=1)
    datamodule.source.count = 500
    first, second = (
        batch[0] for batch, _ in zip(datamodule.train_dataloader(), range(2), strict=False)
    )
    mirrored = first[:, 0, 0, 0] == 3
    assert torch.equal(first[~mirrored], torch.arange(4).expand_as(first[~mirrored]))
    assert torch.equal(first[mirrored], torch.arange(4).flip(0).expand_as(first[mirrored]))
    # 1,000 coins: five standard deviations are 79.
    assert abs(mirrored.sum() - 500) < 79
    assert abs((first != second).any(dim=(1, 2, 3)).sum() - 500) < 79
    assert torch.equal(datamodule.real(3, 0)[0][0, 0, 0], torch.arange(4) / 127.5 - 1)


def test_real_samples_are_fixed_different_and_in_model_range(numbers, module):
    datamodule = module(numbers(100))
    data, labels = datamodule.real(100, 7)
    assert sorted(labels.tolist()) == list(range(100))
    assert data.dtype == torch.float32
    assert torch.allclose(data[:, 0, 0, 0], labels / 127.5 - 1)
    few = datamodule.real(10, 7)[1]
    assert torch.equal(few, module(numbers(100), seed=9).real(10, 7)[1])
    assert not torch.equal(few, datamodule.real(10, 8)[1])
    assert sorted(datamodule.real(250, 7)[1].tolist()) == list(range(100))


def test_real_points_are_fixed(module):
    points, labels = module(ring()).real(50, 1)
    assert points.shape == (50, 2)
    assert labels.shape == (50,)
    assert torch.equal(points, module(ring(), seed=8).real(50, 1)[0])
    assert module(SwissRoll(noise=0.25, scale=7.5)).real(50, 1)[1] is None


def test_held_out_samples_are_those_of_the_held_out_source(numbers, module):
    class Divided(numbers):
        def held_out(self):
            apart = numbers(30)
            apart.num_classes = self.num_classes
            apart.setup = lambda memory_limit: given.append(memory_limit)
            return apart

    given = []
    datamodule = module(Divided(100), memory_limit=77)
    data, labels = datamodule.held_out(1000, seed=5)
    assert sorted(labels.tolist()) == list(range(30))
    assert torch.allclose(data[:, 0, 0, 0], labels / 127.5 - 1)
    few = datamodule.held_out(10, seed=5)[1]
    assert len(few.unique()) == 10
    assert torch.equal(few, datamodule.held_out(10, seed=5)[1])
    assert not torch.equal(few, datamodule.held_out(10, seed=6)[1])
    assert given == [77]
    assert module(Divided(100), num_classes=None).held_out(10, seed=5)[1] is None


def test_without_held_out_samples_there_are_none(numbers, module):
    assert module(numbers(100)).held_out(10, seed=0) is None


@pytest.mark.parametrize("source", [ring(), SwissRoll(noise=0.25, scale=7.5)])
def test_held_out_points_are_fresh(source, module):
    datamodule = module(source)
    points, labels = datamodule.held_out(500, seed=0)
    assert points.shape == (500, 2)
    assert (labels is None) == (source.num_classes is None)
    assert torch.equal(points, datamodule.held_out(500, seed=0)[0])
    others = [datamodule.held_out(500, seed=1)[0]]
    others += [datamodule.real(500, seed=seed)[0] for seed in range(5)]
    assert len(torch.cat([points, *others]).unique(dim=0)) == 7 * 500


def test_held_out_samples_of_other_classes_are_refused(numbers, module):
    class Divided(numbers):
        def held_out(self):
            return numbers(30)

    with pytest.raises(InputError, match="num_classes=100, but Numbers has 30 classes"):
        module(Divided(100)).held_out(5, seed=0)
    for wrong in ({"count": 0, "seed": 0}, {"count": 5, "seed": -1}):
        with pytest.raises(InputError, match="must be a whole number"):
            module(numbers(10)).held_out(**wrong)


def test_facts_for_others(numbers, module):
    datamodule = module(numbers(100, shape=(3, 8, 8)))
    assert datamodule.shape == (3, 8, 8)
    assert datamodule.num_classes == 100
    assert datamodule.source.size == 100


@pytest.mark.parametrize("wrong", [0, -1, 2.5, float("nan"), "64", True])
def test_impossible_numbers_are_refused(wrong, numbers, module):
    for name in ("batch_size", "samples_per_epoch", "num_classes"):
        with pytest.raises(InputError, match=rf"^{name} must be a whole number.*$"):
            module(numbers(10), **{name: wrong})


@pytest.mark.parametrize("name", ["seed", "num_workers", "memory_limit"])
@pytest.mark.parametrize("wrong", [-1, float("nan")])
def test_negative_settings_are_refused(name, wrong, numbers, module):
    with pytest.raises(InputError, match=rf"^{name} must be [^\n]*$"):
        module(numbers(10), **{name: wrong})


def test_a_batch_larger_than_the_data_set_is_refused(numbers, module):
    module(numbers(10), batch_size=10).setup("fit")
    with pytest.raises(InputError, match=r"^batch_size=11 is larger .* at most 10$"):
        module(numbers(10), batch_size=11).setup("fit")


def test_other_classes_than_the_data_has_are_refused(numbers, module):
    with pytest.raises(InputError, match=r"^num_classes=3, but Numbers has 10 classes: [^\n]*=10"):
        module(numbers(10), num_classes=3).setup("fit")
    with pytest.raises(InputError, match=r"^num_classes=3, but SwissRoll has no labels[^\n]*null$"):
        module(SwissRoll(noise=0.25, scale=7.5), num_classes=3).setup("fit")


def test_points_cannot_be_flipped(module):
    with pytest.raises(InputError, match="horizontal_flip mirrors pictures"):
        module(ring(), horizontal_flip=True)
