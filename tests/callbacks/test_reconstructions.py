from functools import partial

import numpy as np
import pytest
import torch
from lightning.pytorch.loggers import CSVLogger
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from ganzoo.callbacks.reconstructions import ERROR, Reconstructions
from ganzoo.checkpoints.io import AtomicCheckpointIO
from ganzoo.errors import InputError
from ganzoo.game.averaging import ExponentialMovingAverage
from ganzoo.models.gan import GAN
from ganzoo.networks.latents import Normal
from ganzoo.pictures import RealDistribution, draw_pairs
from ganzoo.sampling.reconstruction import Reconstructor
from ganzoo.saving import StopOnSaveError


class Autoencoding(Reconstructor, GAN):
    """A game whose codes are computed without a network."""

    encoder = nn.Identity()


class Inverting(Autoencoding):
    """Codes are what the generator, one linear layer, makes the data of."""

    def encode(self, data):
        layer = self.generator[0]
        return torch.linalg.solve(layer.weight, (data - layer.bias).T).T


class Shift(nn.Module):
    """A generator that adds a number to its latents."""

    def __init__(self, *shape):
        super().__init__()
        self.number = nn.Parameter(torch.zeros(()))
        self.shape = shape

    def forward(self, latents):
        return (latents + self.number).reshape(-1, *self.shape)


class Flattening(Autoencoding):
    """Codes are the data."""

    def encode(self, data):
        return data.flatten(1)


def drawing(folder, **changes):
    settings = {"every_n_steps": 2, "samples": 7, "columns": 4, "seed": 3}
    return Reconstructions(folder=folder, on_save_error=StopOnSaveError(), **settings | changes)


def shifting(gan, *shape, **changes):
    torch.manual_seed(0)
    size = int(np.prod(shape))
    return gan(Flattening, generator=Shift(*shape), latent_prior=Normal(latent_dim=size), **changes)


def box(picture, color):
    """The rectangle ``top, bottom, left, right`` that a colour fills; it fills it all."""
    rows, columns = (picture == color).all(axis=-1).nonzero()
    top, bottom, left, right = rows.min(), rows.max(), columns.min(), columns.max()
    assert len(rows) == (bottom - top + 1) * (right - left + 1), color
    return top, bottom, left, right


def opened(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def test_an_encoder_that_inverts_the_generator_has_no_error(
    gan, trainer, tmp_path, labelled_points
):
    linear = nn.Sequential(nn.Linear(2, 2))
    nn.init.orthogonal_(linear[0].weight)
    callback = drawing(tmp_path)
    model = gan(Inverting, generator=linear, latent_prior=Normal(latent_dim=2))
    trainer(3, callbacks=[callback]).fit(model, datamodule=labelled_points(real=0))
    assert [row["step"] for row in callback.history] == [2, 3]
    assert all(0 <= row[ERROR] < 1e-10 for row in callback.history)


def test_the_error_is_the_mean_over_samples_and_numbers(gan, trainer, tmp_path, labelled_points):
    callback, model = drawing(tmp_path / "pictures"), shifting(gan, 2)
    logger = CSVLogger(tmp_path, name="", version="")
    run = trainer(5, callbacks=[callback], logger=logger)
    run.fit(model, datamodule=labelled_points(real=0))
    expected = model.generator.number.item() ** 2  # each number is off by it
    assert expected > 1e-8
    assert [row["step"] for row in callback.history] == [2, 4, 5]
    assert callback.history[-1][ERROR] == pytest.approx(expected, rel=1e-4)
    assert float(run.callback_metrics[ERROR]) == pytest.approx(expected, rel=1e-4)
    assert callback.directions() == {ERROR: "minimize"}
    assert ERROR in (tmp_path / "metrics.csv").read_text()


def test_the_averaged_generator_reconstructs_however_many_there_are(gan):
    model = shifting(gan, 2, ema=partial(ExponentialMovingAverage, decay=0.5, start_step=0)).eval()
    with torch.no_grad():
        model.generator.number.fill_(8.0)
        model.ema["generator"].network.number.fill_(0.25)
    data = torch.randn(300, 2)
    assert torch.allclose(model.reconstruct(data), data + 0.25)


def test_a_model_without_an_encoder_is_left_alone(gan, trainer, tmp_path, caplog, labelled_points):
    callback = drawing(tmp_path / "pictures")
    with caplog.at_level("INFO", logger="ganzoo"):
        trainer(3, callbacks=[callback]).fit(gan(), datamodule=labelled_points(real=0))
    assert caplog.messages == ["without reconstructions: GAN does not reconstruct"]
    assert callback.history == [] and not (tmp_path / "pictures").exists()


def test_the_end_says_what_was_measured(gan, trainer, tmp_path, caplog, labelled_points):
    with caplog.at_level("INFO", logger="ganzoo"):
        trainer(1, callbacks=[drawing(tmp_path)]).fit(
            shifting(gan, 2), datamodule=labelled_points(real=0)
        )
    assert caplog.messages[-1].startswith(f"{ERROR} 0.0000: of the reconstructions of 7 real")


def test_without_a_data_module_the_first_batch_is_kept(gan, trainer, batches, tmp_path):
    first, second = drawing(tmp_path / "a"), drawing(tmp_path / "b")
    trainer(3, callbacks=[first]).fit(shifting(gan, 2), batches(8, 2))
    beginning = next(iter(batches(8, 2)))[0][:7]
    state = first.state_dict()
    assert torch.equal(state["kept"], beginning)
    second.load_state_dict(state)
    others = DataLoader(TensorDataset(torch.zeros(8, 2)), batch_size=8)
    trainer(1, callbacks=[second]).fit(shifting(gan, 2), others)
    assert torch.equal(second.state_dict()["kept"], beginning)


def test_a_resumed_run_has_the_measurements_of_one_that_was_not_stopped(
    gan, trainer, tmp_path, labelled_points
):
    path, data = tmp_path / "last.ckpt", labelled_points(real=0)
    whole, first, second = (drawing(tmp_path / name) for name in "abc")
    resuming = {"plugins": [AtomicCheckpointIO()]}
    stopped = trainer(3, callbacks=[first], **resuming)
    stopped.fit(shifting(gan, 2), datamodule=data)
    assert [row["step"] for row in first.history] == [2, 3]
    stopped.save_checkpoint(path)
    run = trainer(5, callbacks=[second], **resuming)
    run.fit(shifting(gan, 2), datamodule=data, ckpt_path=path)
    trainer(5, callbacks=[whole]).fit(shifting(gan, 2), datamodule=data)
    assert [row["step"] for row in second.history] == [2, 4, 5]
    assert second.history[0] == whole.history[0]


def test_data_lie_over_their_reconstructions(gan, tmp_path):
    """Five flat images of their own colours in rows of three; each comes back a little lighter."""
    reds, shift = [20, 60, 100, 140, 180], 10
    data = torch.full((5, 3, 8, 8), -1.0)
    data[:, 0] = (torch.tensor(reds) / 127.5 - 1).view(-1, 1, 1)
    model = shifting(gan, 3, 8, 8).eval()
    with torch.no_grad():
        model.generator.number.fill_(shift / 127.5)
    made = model.reconstruct(data)
    callback = drawing(tmp_path, columns=3)
    callback.data.samples = data
    callback._draw(tmp_path / "sheet.png", Step(), made, 0.5)
    picture = opened(tmp_path / "sheet.png")
    above = [box(picture, (red, 0, 0)) for red in reds]
    below = [box(picture, (red + shift, shift, shift)) for red in reds]
    sides = {bottom - top + 1 for top, bottom, _, _ in above + below}
    assert len(sides) == 1 and sides.pop() % 8 == 0
    for (top, bottom, left, right), (low, _, *place) in zip(above, below, strict=True):
        assert place == [left, right] and low == bottom + 3  # a margin of two between them
        assert right - left == bottom - top
    tops = [place[0] for place in above]
    assert tops[0] == tops[1] == tops[2] < below[0][0] < tops[3] == tops[4]
    lefts = [place[2] for place in above]
    assert lefts[0] == lefts[3] < lefts[1] == lefts[4] < lefts[2]
    words = (picture[above[0][0] : below[0][1], : lefts[0] - 2] < 128).all(axis=-1)
    assert words.sum() > 100  # which row is which
    assert 600 <= picture.shape[1] < 1000


class Step:
    global_step = 12


def near(picture, color):
    return np.abs(picture - np.array(color)).max(axis=-1) < 40


def test_points_are_joined_to_their_reconstructions(tmp_path):
    real, made = torch.tensor([[-1.0, -1.0]]), torch.tensor([[1.0, -1.0]])
    frame = torch.tensor([[-2.0, -2.0], [2.0, 2.0]])
    path = draw_pairs(real, made, RealDistribution(frame), tmp_path / "pairs.png", "title")
    picture = opened(path)
    lower = picture[picture.shape[0] // 2 : -90]
    blue, red = (near(lower, color).nonzero() for color in ((0x4A, 0x6F, 0xA5), (0xD1, 0x49, 0x5B)))
    assert blue[0].size and red[0].size
    middle = picture.shape[1] // 2
    assert blue[1].max() < middle < red[1].min()
    row = int(red[0].mean())
    between = lower[row - 3 : row + 4, int(blue[1].max()) + 5 : int(red[1].min()) - 5]
    assert (between.min(axis=(0, 2)) < 160).all()  # an unbroken line
    assert not (lower[: row - 20, middle] < 160).any()


def test_pairs_of_other_shapes_are_refused(tmp_path):
    with pytest.raises(InputError, match="pairs are points of the same shape"):
        draw_pairs(torch.zeros(3, 2), torch.zeros(2, 2), RealDistribution(), tmp_path / "a", "")


@pytest.mark.parametrize("dimensions", [1, 3])
def test_pairs_of_any_dimension_are_drawn_finite_or_not(tmp_path, dimensions):
    made = torch.randn(6, dimensions)
    made[0] = torch.nan
    draw_pairs(torch.zeros(6, dimensions), made, RealDistribution(), tmp_path / "a.png", "")
    assert near(opened(tmp_path / "a.png"), (0xD1, 0x49, 0x5B)).any()


@pytest.mark.parametrize("name", ["every_n_steps", "samples", "columns"])
@pytest.mark.parametrize("number", [0, -1])
def test_impossible_numbers_are_refused(tmp_path, name, number):
    with pytest.raises(InputError, match=f"^{name} must be a whole number from 1 up"):
        drawing(tmp_path, **{name: number})
