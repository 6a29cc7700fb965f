import numpy as np
import pytest
import torch
from torch.nn.functional import one_hot

from ganzoo.errors import InputError
from ganzoo.sampling.class_labels import read_labels

WANTED = [2, 0, 1, 2]
INTEGERS = torch.tensor(WANTED)


def read(labels, **options):
    return read_labels(labels, 3, **{"unknown": False, "look": True} | options)


@pytest.mark.parametrize(
    "labels",
    [
        WANTED,
        tuple(WANTED),
        np.array(WANTED, dtype=np.uint16),
        *(INTEGERS.to(kind) for kind in (torch.int64, torch.int32, torch.int16, torch.uint8)),
        *(INTEGERS.to(kind) for kind in (torch.float16, torch.bfloat16, torch.float64)),
        INTEGERS[:, None],
        INTEGERS[:, None, None].float(),
        one_hot(INTEGERS, 3),
        one_hot(INTEGERS, 3).double(),
        one_hot(INTEGERS, 3).bool(),
    ],
)
def test_every_type_with_one_meaning(labels):
    found = read(labels)
    assert found.dtype == torch.int64
    assert found.tolist() == WANTED


def test_one_number_and_truth_values():
    assert read(2).tolist() == [2]
    assert read(torch.tensor([True, False])).tolist() == [1, 0]


def test_minus_one_is_a_label_where_it_means_unknown():
    assert read([1.0, -1.0, 0.0], unknown=True).tolist() == [1, -1, 0]
    with pytest.raises(InputError, match="label -1 is out of range"):
        read([1, -1])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 3], "label 3 is out of range: 3 classes have labels 0 to 2"),
        ([-2], "label -2 is out of range"),
        ([0.0, float("nan")], "whole numbers of classes, not nan"),
        ([float("inf")], "whole numbers of classes, not inf"),
        ([0.0, 0.25], "whole numbers of classes, not 0.25"),
        ([[0.5, 0.5, 0.0]], r"labels \[1, 3\] are not one-hot"),
        ([[1, 1, 0]], "not one-hot"),
        ([[0.0, 0.0, float("nan")]], "not one-hot"),
        ([[0, 1], [1, 0]], r"shape \[B\], \[B, 1\] or, one-hot, \[B, 3\], not \[2, 2\]"),
        (torch.zeros(2, 3, 4), r"not \[2, 3, 4\]"),
        (["cat", "dog"], "numbers of classes, not 'cat'"),
        ("cat", "numbers of classes, not 'cat'"),
        ({"a": 1}, "numbers of classes, not a dict"),
        (torch.zeros(2, dtype=torch.complex64), "not torch.complex64"),
    ],
)
def test_the_rest_is_refused_by_its_own_name(labels, message):
    with pytest.raises(InputError, match=message) as error:
        read(labels, unknown=True)
    assert "\n" not in str(error.value)
