"""Names of classes: from the data into a checkpoint, and from what people write to numbers."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ganzoo.errors import InputError
from ganzoo.sampling.class_labels import read_labels
from ganzoo.sampling.class_names import class_names, class_numbers, folder_name

NAMES = ["ant", "10", "T-shirt/top"]


def written(labels, names):
    """Labels as a conditional model takes them."""
    return read_labels(class_numbers(labels, names), len(NAMES), unknown=False, look=True)


@pytest.mark.parametrize(
    ("labels", "numbers"),
    [
        ("ant", [0]),
        (["T-shirt/top", "ant"], [2, 0]),
        (["T-shirt_top", 1], [2, 1]),
        ("10", [1]),  # a name comes before a number
        ("2", [2]),
        (2, [2]),
        ([1.0, 2], [1, 2]),
        (torch.tensor([2, 0], dtype=torch.uint8), [2, 0]),
        (torch.tensor([[1], [2]], dtype=torch.int32), [1, 2]),
        ([], []),
        (np.array([2, 0]), [2, 0]),
        (range(2), [0, 1]),
    ],
)
def test_every_way_to_write_labels(labels, numbers):
    found = written(labels, NAMES)
    assert found.dtype == torch.int64 and found.tolist() == numbers


@pytest.mark.parametrize(
    ("labels", "names", "message"),
    [
        ("ants", NAMES, "there is no class 'ants': did you mean 'ant'"),
        ("zebra", NAMES, "choose from 10, T-shirt/top, ant"),
        ("ant", None, "these classes have numbers, no names"),
        (1.5, NAMES, "not 1.5"),
        ([None], NAMES, "not a NoneType"),
        ({"a": 1}, NAMES, "not a dict"),
        (True, NAMES, "not True"),
        (float("nan"), NAMES, "not nan"),
        (torch.tensor([1.0, 0.5]), NAMES, "not 0.5"),
    ],
)
def test_what_is_no_label(labels, names, message):
    with pytest.raises(InputError, match=message):
        written(labels, names)


@pytest.mark.parametrize("name", ["../..", "a/b", "..", ".", "", " ", "a\\b", "~", "a:b", "-"])
def test_a_name_leads_nowhere_else(name, tmp_path):
    """A checkpoint of a stranger may hold any name."""
    found = folder_name(name)
    assert found and "/" not in found and found not in (".", "..")
    assert (tmp_path / found).resolve().parent == tmp_path


def test_where_names_come_from():
    module = SimpleNamespace(source=SimpleNamespace(class_names=NAMES))
    loader = SimpleNamespace(dataset=SimpleNamespace(classes=NAMES))
    assert class_names(SimpleNamespace(datamodule=module), 3) == NAMES
    assert class_names(SimpleNamespace(datamodule=None, train_dataloader=loader), 3) == NAMES
    assert class_names(SimpleNamespace(datamodule=module), 4) is None
    assert class_names(SimpleNamespace(), None) is None
    module.source.class_names = ["a", "two\nlines", "c"]  # which no checkpoint may hold
    assert class_names(SimpleNamespace(datamodule=module), 3) is None
