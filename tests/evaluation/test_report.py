"""Values in a few numbers, in tables, in pictures and in files."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.errors import InputError
from ganzoo.evaluation.curve import draw_curve
from ganzoo.evaluation.files import check_folder, write_files
from ganzoo.evaluation.nearest import draw_nearest, find_neighbors
from ganzoo.evaluation.report import plain
from ganzoo.evaluation.result import EvaluationResult, SeedValues, SourceResult, collect
from ganzoo.evaluation.tables import shorten, value_table
from ganzoo.metrics.inputs import SampleSet


def test_mean_and_deviation_over_seeds():
    values = collect([{"a@5": 1.0}, {"a@5": 2.0}, {"a@5": 6.0}], [], bootstrapped=False)
    assert values["a@5"].mean == pytest.approx(3.0)
    assert values["a@5"].deviation == pytest.approx(7.0**0.5)  # (4 + 1 + 9) / 2
    assert values["a@5"].values == (1.0, 2.0, 6.0)


def test_one_seed_has_no_deviation():
    assert collect([{"a@5": 1.0}], [], bootstrapped=False)["a@5"].deviation is None


def test_ends_of_intervals_belong_to_their_value():
    one = {
        "fid_big@5": 2.0, "fid_low_big@5": 1.0, "fid_high_big@5": 3.0,
        "fid_small@5": 20.0, "fid_low_small@5": 10.0, "fid_high_small@5": 30.0,
        "other_low@5": 7.0,
    }  # fmt: skip
    values = collect([one], ["big", "small"], bootstrapped=True)
    assert set(values) == {"fid_big@5", "fid_small@5", "other_low@5"}
    assert values["fid_big@5"].intervals == ((1.0, 3.0),)
    assert values["fid_small@5"].intervals == ((10.0, 30.0),)
    assert values["other_low@5"].intervals == ()
    assert set(collect([one], ["big", "small"], bootstrapped=False)) == set(one)


def source(name, step, *values):
    return SourceResult(
        name=name,
        step=step,
        values=dict(zip(("a@5", "b@5"), values, strict=True)),
        protocol={},
        seconds=0.0,
    )


def value(*values, intervals=()):
    return SeedValues(values, intervals)


def result(sources, directions):
    return EvaluationResult(sources=sources, directions=directions, real={}, generated={})


def cells_of(lines):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_a_table_of_one_source_has_a_row_for_each_value():
    one = source("/x/a", None, value(1.0, 3.0), value(0.25, intervals=((0.125, 0.5),)))
    lines = value_table(result([one], {"a@5": "minimize", "b@5": "maximize"}))
    cells = cells_of(lines)
    assert cells[2:] == [["a@5 ↓", "2 ± 1.4"], ["b@5 ↑", "0.25 [0.125, 0.5]"]]
    assert len({len(line) for line in lines}) == 1


def test_a_table_of_several_sources_has_a_row_for_each():
    sources = [
        source("/runs/one/checkpoints/a.ckpt", 10, value(1.0), value(2.0)),
        source("/runs/two/checkpoints/a.ckpt", 20, value(3.0), value(4.0)),
    ]
    cells = cells_of(value_table(result(sources, {})))
    assert cells[0] == ["checkpoint", "step", "a@5", "b@5"]
    assert cells[2] == ["one/checkpoints/a.ckpt", "10", "1", "2"]
    assert cells[3] == ["two/checkpoints/a.ckpt", "20", "3", "4"]


def test_paths_are_as_short_as_they_can_be():
    assert shorten(["/a/b/c.ckpt", "/a/b/d.ckpt"]) == ["c.ckpt", "d.ckpt"]
    assert shorten(["/a/b/c", "/a/d/c"]) == ["b/c", "d/c"]
    assert shorten(["/a/b/c", "/a/b/c"]) == ["c", "c"]


def test_neighbors_are_those_of_all_distances():
    random = np.random.default_rng(0)
    queries, others = random.normal(size=(4, 9)), random.normal(size=(30, 9))
    distances = np.linalg.norm(queries[:, None] - others[None], axis=2)
    found = find_neighbors(torch.from_numpy(queries), torch.from_numpy(others), 5)
    assert np.array_equal(found.numpy(), distances.argsort(axis=1)[:, :5])
    assert find_neighbors(torch.zeros(2, 3), torch.zeros(4, 3), 9).shape == (2, 4)


def flat(levels):
    """One picture ``[1, 8, 8]`` of each grey level."""
    return (levels.float() / 127.5 - 1).view(-1, 1, 1, 1).expand(-1, 1, 8, 8).contiguous()


def sample_set(images):
    return SampleSet(images, None, images.flatten(start_dim=1), None)


def test_a_pictures_nearest_stand_beside_it(tmp_path):
    """Bright queries have the brightest others beside them, in order; no resampling blurs them."""
    others = flat(torch.arange(0, 251, 25))
    queries = flat(torch.tensor([2, 248]))
    path = draw_nearest(
        sample_set(queries), sample_set(others), count=2, neighbors=3, captions=("a", "b"),
        path=tmp_path / "a.png",
    )  # fmt: skip
    pixels = np.asarray(Image.open(path).convert("L"))
    assert path.exists()
    caption = 28
    tile = (pixels.shape[1] - 2) // 5
    centers = caption + 2 + np.arange(2) * tile + tile // 2, np.arange(5) * tile + tile // 2
    cells = pixels[np.ix_(*centers)]
    assert cells[0].tolist() == [2, 208, 0, 25, 50]
    assert cells[1].tolist() == [248, 208, 250, 225, 200]
    inside = pixels[caption + 4 : caption + tile - 2, 4 : tile - 2]
    assert (inside == 2).all()


def test_queries_come_from_all_of_an_ordered_set(tmp_path):
    others = flat(torch.tensor([0, 85, 170, 255]))
    queries = others.repeat_interleave(25, dim=0)
    options = {"neighbors": 1, "captions": ("", ""), "path": tmp_path / "a.png"}
    draw_nearest(sample_set(queries), sample_set(others), count=4, **options)
    pixels = np.asarray(Image.open(tmp_path / "a.png").convert("L"))
    tile = (pixels.shape[1] - 2) // 3
    column = pixels[28 + 2 + np.arange(4) * tile + tile // 2, tile // 2]
    assert column.tolist() == [0, 85, 170, 255]


def test_a_curve_has_a_panel_for_each_value_and_a_line_for_each_folder(tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: drawn.append(self))
    sources = [
        source("/r/one/a", 10, value(1.0, 3.0), value(5.0, 5.0)),
        source("/r/two/a", 10, value(7.0, 7.0), value(8.0, 8.0)),
        source("/r/one/b", 20, value(4.0, 4.0), value(6.0, 6.0)),
    ]
    draw_curve(result(sources, {"a@5": "minimize"}), tmp_path / "curve.png")
    first, second = drawn[0].axes
    lines = {line.get_label(): line.get_xydata().tolist() for line in first.lines}
    assert lines == {"one": [[10, 2], [20, 4]], "two": [[10, 7]]}
    assert [axes.get_title() for axes in (first, second)] == ["a@5", "b@5"]
    assert first.get_ylabel() == "smaller is better" and second.get_ylabel() == ""
    band = first.collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(2 - 2**0.5)
    assert band[:, 1].max() == pytest.approx(4.0)


def test_files_are_all_there_or_none(tmp_path):
    def fail(path):
        path.write_text("half")
        raise OSError(28, "No space left on device")

    good = {"a.txt": lambda path: path.write_text("whole")}
    with pytest.raises(InputError, match="No space left on device"):
        write_files(tmp_path / "new" / "out", good | {"b.txt": fail})
    assert list(tmp_path.iterdir()) == []
    assert write_files(tmp_path / "new" / "out", good) == [tmp_path / "new" / "out" / "a.txt"]
    assert [path.name for path in tmp_path.rglob("*")] == ["new", "out", "a.txt"]


def test_old_files_stay_until_new_ones_are_whole(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(ZeroDivisionError):
        write_files(tmp_path, {"a.txt": lambda path: path.write_text("new"), "b": lambda _: 1 / 0})
    assert (tmp_path / "a.txt").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    check_folder(tmp_path / "new" / "deep")
    with pytest.raises(InputError, match="is a file, set output to a folder that can be"):
        check_folder(tmp_path / "file" / "out")


def test_json_is_read_by_others_though_values_are_not_finite():
    described = plain(value(float("nan"), 1.0, intervals=((0.0, float("inf")),)))
    text = json.dumps(described, allow_nan=False)
    assert json.loads(text) == {
        "mean": None, "deviation": None, "each_seed": [None, 1.0], "intervals": [[0.0, None]],
    }  # fmt: skip
