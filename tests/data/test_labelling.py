import pytest
import torch

from ganzoo import create_model
from ganzoo.data.digits import Digits
from ganzoo.data.points import Ring
from ganzoo.errors import InputError

CLASSES = 5


@pytest.fixture
def classes(numbers):
    """A collection of numbers whose classes are their remainders modulo 5."""

    class Remainders(numbers):
        def __init__(self, size, **options):
            super().__init__(size, **options)
            self.num_classes = CLASSES

        def gather(self, indices):
            return super().gather(indices)[0], indices % CLASSES

    return Remainders


class FakeTrainer:
    """What the data module asks of a trainer, for one process of several."""

    fast_dev_run, overfit_batches = False, 0.0

    def __init__(self, rank, world_size):
        self.global_rank, self.world_size, self.max_epochs = rank, world_size, -1
        self.fit_loop = type("Fit", (), {"epoch_loop": type("Epoch", (), {"total_batch_idx": -1})})


def take(datamodule, count):
    return [batch for batch, _ in zip(datamodule.train_dataloader(), range(count), strict=False)]


def seen(datamodule, count):
    """The numbers and labels of some batches, one after another."""
    batches = take(datamodule, count)
    numbers = torch.cat([data[:, 0, 0, 0] for data, _ in batches]).long()
    return numbers, torch.cat([labels for _, labels in batches])


@pytest.mark.parametrize("count", [5, 8, 23, 40])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_as_many_labels_as_asked_for_are_known_and_they_are_true(classes, module, count, seed):
    """One pass over 100 samples holds each once, so the labels in it can be counted."""
    datamodule = module(
        classes(100), labelled_samples=count, seed=seed, batch_size=10, minibatches=10
    )
    numbers, labels = seen(datamodule, 1)
    known = labels >= 0
    assert sorted(numbers.tolist()) == list(range(100))
    assert known.sum() == count
    assert torch.equal(labels[known], numbers[known] % CLASSES)
    assert (labels[~known] == -1).all()
    shares = torch.bincount(labels[known], minlength=CLASSES)
    assert shares.max() - shares.min() == (count % CLASSES > 0)


def labelled_numbers(datamodule):
    numbers, labels = seen(datamodule, 60)
    return set(numbers[labels >= 0].tolist())


def test_the_choice_depends_on_the_seed_alone(classes, module):
    first = labelled_numbers(module(classes(100), labelled_samples=20, seed=7))
    assert len(first) == 20
    others = {"batch_size": 7, "minibatches": 3, "labelled_per_batch": 4}
    assert labelled_numbers(module(classes(100), labelled_samples=20, seed=7, **others)) == first
    assert labelled_numbers(module(classes(100), labelled_samples=20, seed=8)) != first


def test_each_sample_of_a_class_is_chosen_as_often_as_another(classes, module):
    """4 of 20 in each of 400 choices: 80 times each, and 5 standard deviations are 40."""
    times = torch.zeros(100)
    for seed in range(400):
        datamodule = module(classes(100), labelled_samples=20, seed=seed)
        datamodule.setup()
        times[datamodule._labelling.chosen] += 1
    assert (times - 80).abs().max() < 40


@pytest.mark.parametrize(("batch_size", "per_batch"), [(8, 3), (10, 1), (6, 5)])
def test_every_discriminator_step_holds_the_set_number_of_labels(
    classes, module, batch_size, per_batch
):
    datamodule = module(
        classes(100),
        labelled_samples=10,
        labelled_per_batch=per_batch,
        batch_size=batch_size,
        minibatches=3,
    )
    for _, labels in take(datamodule, 5):
        known = (labels >= 0).unflatten(0, (3, batch_size))
        assert (known.sum(dim=1) == per_batch).all()
        halves = [half.sum(dim=1) for half in known.tensor_split(2, dim=1)]
        assert ((halves[0] - halves[1]).abs() <= 1).all()


def test_labelled_samples_come_in_passes_and_the_others_from_all(classes, module):
    datamodule = module(
        classes(40),
        labelled_samples=10,
        labelled_per_batch=2,
        batch_size=10,
        minibatches=1,
    )
    numbers, labels = seen(datamodule, 5)  # 10 labelled samples, 40 others: one pass of each
    known = labels >= 0
    assert sorted(numbers[~known].tolist()) == list(range(40))
    assert len(numbers[known].unique()) == 10
    assert torch.equal(numbers[known] % CLASSES, labels[known])


@pytest.mark.parametrize("options", [{"labelled_per_batch": 2}, {}, {"in_memory": False}])
def test_processes_together_see_the_batch_of_one(classes, module, options):
    in_memory = options.get("in_memory", True)
    per_batch = None if not options else 2

    def batches(rank, world_size, size):
        datamodule = module(
            classes(40, in_memory=in_memory),
            labelled_samples=10,
            batch_size=4 * size,
            labelled_per_batch=per_batch and per_batch * size,
            num_workers=1,
        )
        datamodule.trainer = FakeTrainer(rank, world_size)
        return take(datamodule, 6)

    ranks = [batches(rank, 3, 1) for rank in range(3)]
    for iteration, alone in enumerate(batches(0, 1, 3)):
        for part, expected in enumerate(alone):
            steps = [rank[iteration][part].unflatten(0, (2, 4)) for rank in ranks]
            assert torch.equal(torch.cat(steps, dim=1).flatten(0, 1), expected)


def test_a_stream_goes_on_where_it_was(classes, module):
    settings = {"labelled_samples": 10, "labelled_per_batch": 1}
    whole = take(module(classes(40), **settings), 9)
    stream = module(classes(40), **settings).train_dataloader()
    stream.load_state_dict({"iteration": 4})
    for batch, expected in zip(stream, whole[4:], strict=False):
        assert all(torch.equal(*pair) for pair in zip(batch, expected, strict=True))


def test_what_is_measured_has_true_labels(classes, module):
    class Divided(classes):
        def held_out(self):
            return classes(30)

    datamodule = module(Divided(100), labelled_samples=20)
    for data, labels in (datamodule.real(100, 0), datamodule.held_out(100, 0)):
        numbers = ((data[:, 0, 0, 0] + 1) * 127.5).round().long()
        assert torch.equal(labels, numbers % CLASSES)


def test_the_unlabelled_are_all_the_others_with_their_true_labels(classes, module):
    datamodule = module(classes(100), labelled_samples=20)
    data, labels = datamodule.unlabelled(1000, 0)
    numbers = ((data[:, 0, 0, 0] + 1) * 127.5).round().long()
    assert set(numbers.tolist()) == set(range(100)) - labelled_numbers(datamodule)
    assert torch.equal(labels, numbers % CLASSES)
    few = datamodule.unlabelled(7, 5)[1]
    assert torch.equal(few, datamodule.unlabelled(7, 5)[1])
    assert len(few) == 7
    assert module(classes(100)).unlabelled(5, 0) is None
    assert module(classes(100), labelled_samples=100).unlabelled(5, 0) is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"labelled_samples": 4}, "fewer than one for each of 5 classes.* at least 5$"),
        ({"labelled_samples": 101}, "more than the 100 samples there are.*=null"),
        ({"labelled_samples": 0}, "labelled_samples must be a whole number"),
        ({"labelled_samples": 10, "num_classes": None}, "needs a data set with classes"),
        ({"labelled_samples": 10, "labelled_per_batch": 4}, "labelled_per_batch to at most 3$"),
        ({"labelled_samples": 10, "labelled_per_batch": 0}, "labelled_per_batch must be a whole"),
        ({"labelled_per_batch": 2}, "no meaning where all labels are known"),
    ],
)
def test_wrong_numbers_of_labels_are_refused(classes, module, settings, message):
    with pytest.raises(InputError, match=message) as error:
        module(classes(100), **settings).setup()
    assert "\n" not in str(error.value)


def test_a_class_with_too_few_samples_is_named(classes, module):
    class Uneven(classes):
        def gather(self, indices):
            return super().gather(indices)[0], (indices - 2).clamp(0, 4)

    with pytest.raises(InputError, match=r"class 1 has 1: set .* to at most 5$"):
        module(Uneven(100), labelled_samples=20).setup()


def test_fresh_samples_all_have_labels(module):
    ring = Ring(modes=8, radius=2.0, deviation=0.02)
    with pytest.raises(InputError, match=r"no meaning for Ring, which draws fresh samples"):
        module(ring, labelled_samples=20)


def test_a_conditional_model_asks_for_all_labels_and_others_do_not_care(module, trainer):
    def fit(name):
        model = create_model(name, dataset="digits", overrides=["network=mlp"])
        digits = Digits(channels=1, image_size=8)
        data = module(digits, num_classes=10, labelled_samples=100)
        trainer(2).fit(model, datamodule=data)
        return model.global_step

    with pytest.raises(InputError, match=r"100 are known: set dataset.labelled_samples=null"):
        fit("conditional_gan")
    assert fit("gan") == 2
