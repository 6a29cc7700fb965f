import itertools

import pytest
import torch

from ganzoo.data.plan import ProcessShare
from ganzoo.data.stream import EpochStream, Stream
from ganzoo.errors import InputError


def settings(source, num_workers=0, start=0, counted=False, labelled=True):
    shares = ProcessShare(batch_size=3, batches_per_iteration=2, rank=0, world_size=1)
    batches = source.batches(shares=shares, seed=5, horizontal_flip=True)
    return {
        "batches": batches,
        "labelled": labelled,
        "num_workers": num_workers,
        "start": start,
        "counted": counted,
    }


def take(stream, count):
    return [batch[1].tolist() for batch in itertools.islice(iter(stream), count)]


def test_batches_are_lists_of_data_and_labels(numbers):
    data, labels = next(iter(Stream(**settings(numbers(20)))))
    assert data.shape == (6, 1, 2, 2)
    assert data[:, 0, 0, 0].tolist() == labels.tolist()
    (data,) = next(iter(Stream(**settings(numbers(20), labelled=False))))
    assert data.shape == (6, 1, 2, 2)


def test_an_endless_stream_has_no_length(numbers):
    with pytest.raises(TypeError):
        len(Stream(**settings(numbers(20))))


def test_epochs_have_a_length_and_follow_one_another(numbers):
    endless = take(Stream(**settings(numbers(20))), 9)
    epochs = EpochStream(length=3, **settings(numbers(20)))
    assert len(epochs) == 3
    assert [batch[1].tolist() for _ in range(3) for batch in epochs] == endless


@pytest.mark.parametrize("workers", [0, 2])
def test_a_state_resumes_at_the_next_batch(numbers, workers):
    whole = take(Stream(**settings(numbers(20))), 12)
    broken = Stream(**settings(numbers(20), num_workers=workers))
    assert take(broken, 5) == whole[:5]
    state = broken.state_dict()
    assert state == {"iteration": 5}
    resumed = Stream(**settings(numbers(20), num_workers=workers))
    resumed.load_state_dict(state)
    assert take(resumed, 7) == whole[5:]


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_fetched_ahead_but_not_used_come_again(numbers, workers):
    whole = take(Stream(**settings(numbers(20))), 6)
    stream = Stream(**settings(numbers(20), num_workers=workers, counted=True))
    assert take(stream, 4) == whole[:4]
    stream.mark_used()
    stream.mark_used()
    assert stream.state_dict() == {"iteration": 2}
    assert take(stream, 4) == whole[2:]


def test_workers_go_on_from_epoch_to_epoch_without_being_started_again(numbers):
    stream = EpochStream(length=2, **settings(numbers(20), num_workers=1))
    first = list(stream)
    workers = stream._iterator
    assert len(first) == len(list(stream)) == 2
    assert stream._iterator is workers


@pytest.mark.parametrize("workers", [0, 1])
def test_batches_are_the_same_whatever_the_global_randomness(numbers, workers):
    def run(seed):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        stream = Stream(**settings(numbers(20), num_workers=workers))
        batches = [batch[0] for batch in itertools.islice(iter(stream), 3)]
        assert torch.equal(before, torch.get_rng_state())
        return torch.stack(batches)

    assert torch.equal(run(1), run(2))


@pytest.mark.parametrize("state", [{}, {"iteration": -1}, {"iteration": 1.5}])
def test_a_wrong_state_is_refused(numbers, state):
    with pytest.raises(InputError, match="iteration must be a whole number"):
        Stream(**settings(numbers(20))).load_state_dict(state)
