from collections import namedtuple

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.errors import InputError
from ganzoo.sampling.batches import BatchKeys, read_data

DATA, LABELS = torch.zeros(4, 2), torch.tensor([0, 1, 2, 3])
Swapped = namedtuple("Swapped", ["label", "image"])
Plain = namedtuple("Plain", ["first", "second"])
NAMES = ["a.png", "b.png", "c.png", "d.png"]


def fields(batch, keys=None, *, labelled=True):
    return BatchKeys(keys).fields(batch, labelled=labelled)


@pytest.mark.parametrize(
    ("batch", "keys"),
    [
        ([DATA, LABELS], None),
        ((DATA, LABELS, NAMES), None),
        (Plain(DATA, LABELS), None),
        (Swapped(LABELS, DATA), None),
        ({"image": DATA, "label": LABELS, "path": NAMES}, None),
        ({"img": DATA, "fine_label": LABELS, "coarse_label": LABELS}, None),
        ({"pixel_values": DATA, "labels": LABELS}, None),
        ({"photo": DATA, "kind": LABELS, "label": DATA}, {"data": "photo", "labels": "kind"}),
        ({"photo": DATA, "label": LABELS}, {"data": "photo", "labels": None}),
    ],
)
def test_data_and_labels_are_found(batch, keys):
    found = fields(batch, keys)
    assert found.data is DATA
    assert found.labels is LABELS


@pytest.mark.parametrize("batch", [DATA, [DATA], {"image": DATA}, {"data": DATA, "caption": NAMES}])
def test_batches_without_labels(batch):
    found = fields(batch, labelled=False)
    assert found.data is DATA
    assert found.labels is None


def test_several_labels_only_matter_to_a_model_that_needs_them():
    batch = {"image": DATA, "label": LABELS, "target": LABELS}
    assert fields(batch, labelled=False).labels is None
    with pytest.raises(InputError, match="keys image, label, target, and several for the labels"):
        fields(batch)


@pytest.mark.parametrize(
    ("batch", "keys", "message"),
    [
        ({"photo": DATA}, None, r"keys photo, and none for the data: name it, as model.batch_keys"),
        ({"image": DATA, "img": DATA}, None, "several for the data"),
        (
            {"image": DATA, "genre": LABELS},
            None,
            r"none for the labels: .*=\{labels: KEY",
        ),
        ({"image": DATA}, {"data": "photo"}, "keys image, and no photo for the data"),
        ({"image": DATA}, {"picture": "image"}, r"batch_keys must be \{data: NAME"),
        ({"image": DATA}, "image", "batch_keys must be"),
    ],
)
def test_what_cannot_be_found_is_named_with_the_setting(batch, keys, message):
    with pytest.raises(InputError, match=message) as error:
        fields(batch, keys)
    assert len(str(error.value)) < 300


def read(data, dtype=torch.float32):
    return read_data(data, dtype, torch.device("cpu"))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("given", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_floating_point_takes_the_type_of_the_weights(given, dtype):
    data = read(torch.tensor([[0.5, -1.0]], dtype=given), dtype)
    assert data.dtype == dtype
    assert data.tolist() == [[0.5, -1.0]]


@pytest.mark.parametrize("pack", [lambda pixels: pixels, lambda pixels: pixels.numpy()])
def test_pictures_of_bytes_come_to_the_model_s_range(pack):
    pixels = torch.tensor([0, 51, 255], dtype=torch.uint8).view(3, 1, 1, 1)
    assert read(pack(pixels)).flatten().tolist() == pytest.approx([-1.0, -0.6, 1.0])


def test_arrays_are_tensors():
    assert read(np.full((2, 3), 0.25)).tolist() == [[0.25] * 3] * 2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (torch.zeros(2, 3, dtype=torch.int64), r"floating point, not torch.int64: .* x.float\(\)"),
        (torch.zeros(2, 1, 4, 4, dtype=torch.int32), "int32: .* x / 127.5 - 1"),
        (torch.zeros(2, 3, dtype=torch.uint8), "floating point, not torch.uint8"),
        (torch.zeros(2, 1, 4, 4, dtype=torch.bool), "floating point, not torch.bool"),
        (torch.zeros(2, 2, dtype=torch.complex64), "floating point, not torch.complex64"),
        (torch.zeros(0, 2), r"no samples: its data has the shape \[0, 2\]"),
        (torch.tensor(1.0), r"no samples: its data has the shape \[\]"),
        ([Image.new("L", (2, 2))], "must be a tensor, not a list of Image: .* ToTensor"),
        (NAMES, "must be a tensor, not a list of str"),
        (None, "must be a tensor, not NoneType"),
    ],
)
def test_other_data_is_refused_by_its_own_name(data, message):
    with pytest.raises(InputError, match=message) as error:
        read(data)
    assert len(str(error.value)) < 300
