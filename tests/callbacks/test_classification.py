import pytest
import torch
from lightning.pytorch.loggers import CSVLogger
from torch import nn

from ganzoo.callbacks.classification import Classification, accuracy
from ganzoo.callbacks.labelled_samples import LabelledSamples
from ganzoo.errors import InputError
from ganzoo.models.semi_supervised_gan import SemiSupervisedGAN

HELD_OUT, UNLABELLED = ("classification/accuracy@held_out", "classification/accuracy@unlabelled")


@pytest.fixture
def classifier(gan):
    def build():
        torch.manual_seed(4)
        network = nn.Sequential(nn.Linear(2, 8), nn.Dropout(0.5), nn.LeakyReLU(), nn.Linear(8, 2))
        return gan(SemiSupervisedGAN, discriminator=network, num_classes=2)

    return build


def measuring(every_n_steps=2, samples=37):
    return Classification(every_n_steps=every_n_steps, samples=samples, batch_size=10, seed=0)


def by_hand(model, data, labels):
    model.discriminator.eval()
    with torch.no_grad():
        return (model.discriminator(data).argmax(dim=1) == labels).sum().item() / len(labels)


def test_it_measures_when_it_is_time_and_at_the_end(classifier, trainer, tmp_path, labelled_points):
    callback, model, data = (
        measuring(),
        classifier(),
        labelled_points(labels=2, held_out=1, unlabelled=2),
    )
    logger = CSVLogger(tmp_path, name="", version="")
    run = trainer(5, callbacks=[callback], logger=logger)
    run.fit(model, datamodule=data)
    expected = by_hand(model, *data.held_out(37, 0))
    assert [row["step"] for row in callback.history] == [2, 4, 5]
    assert callback.history[-1][HELD_OUT] == pytest.approx(expected)
    assert float(run.callback_metrics[HELD_OUT]) == pytest.approx(expected)
    assert callback.directions() == {HELD_OUT: "maximize"}
    assert HELD_OUT in (tmp_path / "metrics.csv").read_text()


def test_without_held_out_samples_it_takes_those_of_unknown_labels(
    classifier, trainer, caplog, labelled_points
):
    callback, model, data = measuring(), classifier(), labelled_points(labels=2, unlabelled=2)
    with caplog.at_level("INFO", logger="ganzoo"):
        trainer(3, callbacks=[callback]).fit(model, datamodule=data)
    expected = by_hand(model, *data.unlabelled(37, 0))
    assert callback.history[-1] == {"step": 3, UNLABELLED: pytest.approx(expected)}
    assert f"{UNLABELLED} {expected:.4f}: share of 37 samples whose labels" in caplog.text


def test_where_there_is_nothing_to_measure_it_says_why(
    classifier, gan, trainer, caplog, labelled_points
):
    for model, reason in ((classifier(), "set dataset.labelled_samples"), (gan(), "GAN does not")):
        callback = measuring()
        with caplog.at_level("INFO", logger="ganzoo"):
            trainer(2, callbacks=[callback]).fit(model, datamodule=labelled_points(labels=2))
        assert callback.history == []
        assert reason in caplog.text


def test_a_measurement_leaves_no_trace_in_training(classifier, trainer, labelled_points):
    ends = []
    for callbacks in ([], [measuring(every_n_steps=1)]):
        model = classifier()
        trainer(4, callbacks=callbacks).fit(model, datamodule=labelled_points(labels=2, held_out=1))
        ends.append(model.discriminator[0].weight)
        assert model.discriminator.training
    assert torch.equal(*ends)


def test_a_resumed_run_has_the_measurements_of_one_that_was_not_stopped(
    classifier, trainer, labelled_points
):
    data, whole, first = labelled_points(labels=2, held_out=1), measuring(), measuring()
    trainer(5, callbacks=[whole]).fit(classifier(), datamodule=data)
    trainer(3, callbacks=[first]).fit(classifier(), datamodule=data)
    assert [row["step"] for row in first.history] == [2, 3]
    second = measuring()
    second.load_state_dict(first.state_dict())
    assert [row["step"] for row in second.history] == [2]
    assert second.history == whole.history[:1]


def test_the_accuracy_is_a_count_however_it_is_cut(classifier):
    class Echo(nn.Module):
        def forward(self, data):
            return data

    model = classifier()
    model.discriminator = Echo()
    data = torch.eye(2)[[0, 1, 1, 0, 1, 0, 0]] * 7
    labelled = LabelledSamples(
        data=data, labels=torch.tensor([0, 1, 0, 0, 1, 1, 1]), name="", description=""
    )
    for batch_size in (1, 3, 100):
        assert accuracy(model, labelled, batch_size=batch_size) == pytest.approx(4 / 7)


@pytest.mark.parametrize("name", ["every_n_steps", "samples", "batch_size"])
def test_impossible_numbers_are_refused(name):
    settings = {"every_n_steps": 1, "samples": 1, "batch_size": 1, "seed": 0}
    with pytest.raises(InputError, match=f"^{name} must be a whole number"):
        Classification(**settings | {name: 0})
