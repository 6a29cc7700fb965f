"""Any tree of tensors is a batch, and every step has its own part of all of it."""

from collections import namedtuple
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from ganzoo.errors import InputError
from ganzoo.game.minibatch import Minibatch, length, minibatches, named_fields, placed, split
from ganzoo.game.module import AdversarialModule
from ganzoo.game.player import Player

CPU = torch.device("cpu")
Pair = namedtuple("Pair", ["left", "right"])


def numbers(count, *shape):
    return torch.arange(float(count)).view(count, *[1] * len(shape)).expand(count, *shape)


def tree(count):
    """A dictionary of a tensor, a dictionary, a pair, a named tuple and what is no tensor."""
    return {
        "image": numbers(count, 3, 2),
        "boxes": {"corner": numbers(count, 4), "kinds": [numbers(count), numbers(count, 1)]},
        "views": Pair(numbers(count), numbers(count, 5)),
        "source": None,
        "name": "a set",
    }


def test_all_tensors_of_a_tree_are_cut_alike():
    parts = minibatches(tree(7), 3)
    assert [part.size for part in parts] == [3, 2, 2]
    assert [part.remaining for part in parts] == [2, 1, 0]
    start = 0
    for part in parts:
        wanted = list(range(start, start + part.size))
        leaves = [
            part.image,
            part.boxes["corner"],
            *part.boxes["kinds"],
            part.views.left,
            part.views.right,
        ]
        assert all(leaf.flatten(1)[:, 0].tolist() == wanted for leaf in map(at_least_2d, leaves))
        assert (part.source, part.name) == (None, "a set")
        start += part.size


def at_least_2d(leaf):
    return leaf[:, None] if leaf.dim() == 1 else leaf


def test_the_parts_of_a_minibatch_are_the_same_for_all_players():
    minibatch = minibatches(tree(8), 1)[0]
    first = minibatch.split(2)
    assert [part.size for part in first] == [4, 4]
    assert all(one is other for one, other in zip(first, minibatch.split(2), strict=True))
    first[1].kept = "found by one player"
    assert minibatch.split(2)[1].kept == "found by one player"
    assert [part.size for part in minibatch.split(4)] == [2] * 4


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"a": torch.zeros(4, 2), "b": {"c": [torch.zeros(3)]}}, "have 3, 4"),
        ({"a": torch.zeros(4), "b": torch.tensor(1.0)}, "have 0, 4"),
        ({"a": torch.zeros(0, 2)}, "have 0"),
        ({"a": None, "b": "text"}, "have none"),
    ],
)
def test_trees_without_one_length_are_refused(fields, found):
    with pytest.raises(InputError, match=f"along their first axis, .* {found}$"):
        length(fields)


@pytest.mark.parametrize(
    ("batch", "names"),
    [
        (torch.zeros(2), ["real"]),
        (np.zeros(2), ["real"]),
        ([torch.zeros(2)], ["real"]),
        ((torch.zeros(2), torch.zeros(2)), ["real", "labels"]),
        (Pair(torch.zeros(2), torch.zeros(2)), ["left", "right"]),
        ({"a": torch.zeros(2), 3: torch.zeros(2)}, ["a", "3"]),
    ],
)
def test_fields_have_the_names_of_the_batch(batch, names):
    assert list(named_fields(batch)) == names


@pytest.mark.parametrize(
    ("batch", "kind"), [([torch.zeros(2)] * 3, "list"), ("a.png", "str"), (3, "int"), ([], "list")]
)
def test_batches_that_say_no_names_are_refused_with_what_to_do(batch, kind):
    with pytest.raises(
        InputError, match=f"let read_batch of the model name the fields of a {kind}"
    ):
        named_fields(batch)


def test_real_numbers_take_the_precision_of_the_weights_and_bytes_of_pictures_the_range():
    given = {
        "a": {"b": [torch.zeros(2, dtype=torch.float64)], "c": np.ones(2, dtype=np.float32)},
        "classes": torch.tensor([1, 2]),
        "pictures": torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1),
        "names": np.array(["x", "y"]),
    }
    found = placed(given, torch.bfloat16, CPU)
    assert found["a"]["b"][0].dtype == found["a"]["c"].dtype == torch.bfloat16
    assert found["classes"].dtype == torch.int64
    assert found["pictures"].flatten().tolist() == [-1.0, 1.0]
    assert found["names"] is given["names"]


def test_what_is_cut_and_put_together_is_what_was_given():
    whole = tree(11)
    pieces = split(whole, 4)
    joined = torch.cat([piece["boxes"]["kinds"][1] for piece in pieces])
    assert torch.equal(joined, whole["boxes"]["kinds"][1])


class Sums(AdversarialModule):
    """One player fits the mean of a nested field, another with two steps that of a second one."""

    def __init__(self, **game):
        super().__init__(optimizers=partial(torch.optim.SGD, lr=0.5), **game)
        self.slow, self.fast = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
        self.seen = []

    def build_players(self):
        return [
            Player("fast", self.fast, self.of_fast, steps=2),
            Player("slow", self.slow, self.of_slow),
        ]

    def of_fast(self, minibatch: Minibatch):
        self.seen.append(("fast", minibatch.pair.left.tolist()))
        return {"error": (self.fast.weight - minibatch.pair.left).square().mean() / 2}

    def of_slow(self, minibatch: Minibatch):
        self.seen.append(("slow", minibatch.deep["er"][0].tolist()))
        return {"error": (self.slow.weight - minibatch.deep["er"][0]).square().mean() / 2}


def batch(count):
    return {
        "pair": Pair(numbers(count), -numbers(count)),
        "deep": {"er": [10 + numbers(count)]},
        "note": "not a tensor",
    }


def loader(*batches):
    return DataLoader(list(batches), batch_size=None)


def test_players_see_their_parts_of_a_tree(trainer):
    model = Sums()
    run = trainer(2)
    run.fit(model, loader(batch(4), batch(4)))
    once = [("fast", [0.0, 1.0]), ("fast", [2.0, 3.0]), ("slow", [12.0, 13.0])]
    assert model.seen == once * 2
    assert run.global_step == 2
    assert model.progress.images == 8
    assert model.fast.weight.item() != 0


def test_a_tree_of_two_lengths_or_too_few_samples_stops_before_the_first_step(trainer):
    model = Sums()
    before = model.fast.weight.item()
    wrong = batch(4) | {"deep": {"er": [numbers(3)]}}
    with pytest.raises(InputError, match="those of this batch have 3, 4"):
        trainer(1).fit(model, loader(wrong))
    with pytest.raises(InputError, match="a batch of 1 samples cannot serve 2"):
        trainer(1).fit(model, loader(batch(1)))
    assert model.seen == []
    assert model.fast.weight.item() == before
