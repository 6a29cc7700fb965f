"""When callbacks act, what happens when a picture cannot be written, and all of them in one run."""

from functools import partial

import pytest
import torch
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from torch import nn

from ganzoo.callbacks.codes import CodeRecovery
from ganzoo.callbacks.interpolations import Interpolations
from ganzoo.callbacks.periodic import Periodic, undisturbed
from ganzoo.callbacks.pictures import Pictures
from ganzoo.callbacks.reconstructions import Reconstructions
from ganzoo.callbacks.traversals import Traversals
from ganzoo.errors import InputError
from ganzoo.models.info_gan import InfoGAN
from ganzoo.networks.code_prior import CodePrior
from ganzoo.networks.encoders import CodeClassifier
from ganzoo.sampling.reconstruction import Reconstructor
from ganzoo.saving import ContinueOnSaveError, SaveError, StopOnSaveError

PRIOR = CodePrior(latent_dim=8, categories=[3], continuous=1)


class Noting(Periodic):
    name = "notes"

    def __init__(self, every_n_steps, reason=None):
        super().__init__(every_n_steps=every_n_steps)
        self.reason, self.steps = reason, []

    def reason_inactive(self, trainer, model):
        return self.reason

    def act(self, trainer, model):
        self.steps.append(trainer.global_step)


class Unwritable(Pictures):
    name = "unwritable"

    def __init__(self, folder, on_save_error):
        super().__init__(folder=folder, every_n_steps=1, seed=0, on_save_error=on_save_error)
        self.tried = 0

    def draw(self, path, trainer, model):
        from ganzoo.pictures import image_grid, save_png

        self.tried += 1
        save_png(image_grid(torch.zeros(1, 1, 8, 8), columns=1), path)


class Everything(Reconstructor, InfoGAN):
    """A model that every callback has something to do for, with dropout and batch statistics."""

    def __init__(self, **parts):
        super().__init__(**parts)
        self.encoder = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Dropout(0.5))

    def encode(self, data):
        return self.encoder(data)


def everything(gan):
    torch.manual_seed(7)
    noisy = nn.Sequential(
        nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 2)
    )
    optimizer = partial(torch.optim.Adam, lr=1e-3)
    return gan(
        Everything,
        generator=noisy,
        classifier=CodeClassifier(network=lambda outputs: nn.Linear(2, outputs), prior=PRIOR),
        information_weights={"categorical": 1.0, "continuous": 0.1},
        latent_prior=PRIOR,
        optimizers=dict.fromkeys(["generator", "discriminator", "classifier"], optimizer),
    )


def all_callbacks(folder):
    common = {"every_n_steps": 2, "seed": 0}
    drawing = {"on_save_error": StopOnSaveError()} | common
    return [
        Reconstructions(folder=folder / "reconstructions", samples=9, columns=5, **drawing),
        Interpolations(folder=folder / "interpolations", paths=3, steps=4, points=50, **drawing),
        Traversals(folder=folder / "traversals", rows=2, steps=3, points=50, **drawing),
        CodeRecovery(samples=40, batch_size=16, **common),
    ]


@pytest.mark.parametrize(
    ("every", "expected"), [(2, [2, 4, 5]), (5, [5]), (9, [5]), (1, range(1, 6))]
)
def test_it_acts_when_it_is_time_and_at_the_end_and_never_twice(
    gan, trainer, batches, every, expected
):
    noting = Noting(every)
    trainer(5, callbacks=[noting]).fit(gan(), batches(8, 2))
    assert noting.steps == list(expected)


def test_what_cannot_act_says_why_once_and_does_not(gan, trainer, batches, caplog):
    noting = Noting(1, reason="there is nothing")
    with caplog.at_level("INFO", logger="ganzoo"):
        trainer(3, callbacks=[noting]).fit(gan(), batches(8, 2))
    assert noting.steps == []
    assert caplog.messages == ["without notes: there is nothing"]


@pytest.mark.parametrize("number", [0, -3, 2.5])
def test_it_must_happen_every_so_many_whole_steps(number):
    with pytest.raises(InputError, match="^every_n_steps must be a whole number from 1 up"):
        Noting(number)


def test_undisturbed_puts_modes_and_random_numbers_back(gan):
    model = gan()
    model.train()
    model.generator[1].eval()
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    with pytest.raises(KeyError), undisturbed(model):
        torch.rand(17)
        assert not any(module.training for module in model.modules())
        assert not torch.is_grad_enabled()
        raise KeyError
    assert torch.equal(torch.rand(3), expected)
    assert torch.is_grad_enabled()
    assert model.generator[0].training and not model.generator[1].training


def test_a_picture_that_cannot_be_written_ends_the_run_or_not_as_is_asked(
    gan, trainer, batches, tmp_path, caplog
):
    (tmp_path / "file").write_text("in the way")
    folder = tmp_path / "file" / "pictures"
    with pytest.raises(SaveError, match=r"cannot write .*00000001.png: (Not a dir|File exists)"):
        trainer(3, callbacks=[Unwritable(folder, StopOnSaveError())]).fit(gan(), batches(8, 2))
    patient = Unwritable(folder, ContinueOnSaveError())
    trainer(3, callbacks=[patient]).fit(gan(), batches(8, 2))
    assert patient.tried == 3 and patient.picture_folder.last_picture is None
    assert sum("the run goes on" in message for message in caplog.messages) == 1


def test_all_of_them_in_one_run(gan, trainer, tmp_path, labelled_points):
    callbacks, metrics = all_callbacks(tmp_path), CSVLogger(tmp_path, name="", version="")
    board = TensorBoardLogger(tmp_path, name="board", version="")
    run = trainer(3, callbacks=callbacks, logger=[metrics, board])
    run.fit(everything(gan), datamodule=labelled_points(real=0))
    for name in ("reconstructions", "interpolations", "traversals"):
        files = sorted(path.name for path in (tmp_path / name).iterdir())
        assert files == ["00000002.png", "00000003.png"]
    expected = {
        "reconstructions/mean_squared_error", "codes/recovered", "codes/correlation_0",
        "codes/information", "codes/clustering_accuracy",
    }  # fmt: skip
    assert expected <= set(run.callback_metrics)
    header = (tmp_path / "metrics.csv").read_text().splitlines()[0].split(",")
    assert expected <= set(header)
    content = next((tmp_path / "board").glob("events*")).read_bytes()
    assert all(word in content for word in (b"reconstructions", b"interpolations", b"traversals"))


def test_all_of_them_change_nothing_in_training(gan, trainer, tmp_path, labelled_points):
    ends = []
    for callbacks in ([], all_callbacks(tmp_path)):
        model = everything(gan)
        trainer(3, callbacks=callbacks).fit(model, datamodule=labelled_points(real=0))
        assert all(module.training for module in model.modules())
        ends.append((model.state_dict(), torch.get_rng_state()))
    (without, random), (drawn, random_too) = ends
    assert torch.equal(random, random_too)
    assert without.keys() == drawn.keys()
    assert all(torch.equal(without[name], drawn[name]) for name in without)
