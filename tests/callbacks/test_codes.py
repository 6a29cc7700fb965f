import itertools
import math
from functools import partial

import numpy as np
import pytest
import torch
from lightning.pytorch.loggers import CSVLogger
from torch import nn

from ganzoo.callbacks.codes import (
    CodeRecovery,
    clustering_accuracy,
    correlation,
    recover_codes,
    recovery_scores,
)
from ganzoo.checkpoints.io import AtomicCheckpointIO
from ganzoo.errors import InputError
from ganzoo.models.info_gan import InfoGAN
from ganzoo.networks.code_prior import CodePrior
from ganzoo.networks.encoders import CodeClassifier, CodePosterior, DiagonalGaussian

PRIOR = CodePrior(latent_dim=8, categories=[3, 2], continuous=2)
NAMES = ["recovered", "correlation_0", "correlation_1", "information", "clustering_accuracy"]


def info_gan(gan, prior=PRIOR):
    torch.manual_seed(3)
    optimizer = partial(torch.optim.Adam, lr=1e-2)
    network = partial(hidden, 2)
    return gan(
        InfoGAN,
        generator=nn.Sequential(nn.Linear(prior.latent_dim, 16), nn.ReLU(), nn.Linear(16, 2)),
        classifier=CodeClassifier(network=network, prior=prior),
        information_weights={"categorical": 1.0, "continuous": 0.1},
        latent_prior=prior,
        optimizers=dict.fromkeys(["generator", "discriminator", "classifier"], optimizer),
    )


def hidden(inputs, outputs):
    layers = (nn.Linear(inputs, 16), nn.Dropout(0.5), nn.LeakyReLU(), nn.Linear(16, outputs))
    return nn.Sequential(*layers)


def measuring(**changes):
    return CodeRecovery(
        **{"every_n_steps": 2, "samples": 90, "batch_size": 40, "seed": 0} | changes
    )


def posterior_of(latents, *, sharpness, log_variance):
    """What a Q says that knows all codes."""
    codes = PRIOR.codes(latents)
    logits = [
        sharpness * nn.functional.one_hot(values, count).float()
        for values, count in zip(codes.categories, PRIOR.categories, strict=True)
    ]
    spread = torch.full_like(codes.continuous, log_variance)
    return CodePosterior(logits, DiagonalGaussian(codes.continuous, spread))


def test_all_is_recovered_where_q_knows_all():
    latents = PRIOR.sample(50)
    found = recovery_scores(
        PRIOR, latents, posterior_of(latents, sharpness=50.0, log_variance=-6.0)
    )
    assert found["recovered"] == 1.0
    assert [found["correlation_0"], found["correlation_1"]] == pytest.approx([1.0, 1.0])
    # -log Q of categories is 0, and of each continuous code log(deviation sqrt(2 pi)) = -3 + ...
    surprise = 2 * (-3 + math.log(2 * math.pi) / 2)
    entropy = math.log(3) + math.log(2) + 2 * math.log(2)
    assert found["information"] == pytest.approx(entropy - surprise, abs=1e-4)


def test_nothing_is_known_where_q_says_the_same_of_all():
    latents = PRIOR.sample(60)
    first = PRIOR.codes(latents).categories[0]
    logits = [torch.zeros(60, 3), torch.zeros(60, 2)]
    same = DiagonalGaussian(torch.full((60, 2), 0.3), torch.zeros(60, 2))
    found = recovery_scores(PRIOR, latents, CodePosterior(logits, same))
    assert found["recovered"] == pytest.approx((first == 0).float().mean().item())
    assert found["correlation_0"] == found["correlation_1"] == 0.0
    squares = (PRIOR.codes(latents).continuous - 0.3).square().sum(dim=1).mean().item()
    of_normals = 2 * math.log(2) - math.log(2 * math.pi) - squares / 2
    assert found["information"] == pytest.approx(of_normals, abs=1e-5)


@pytest.mark.parametrize(
    ("categories", "continuous", "names"),
    [([4], 0, {"recovered", "information"}), ([], 1, {"correlation_0", "information"})],
)
def test_only_codes_that_there_are_are_measured(gan, categories, continuous, names):
    prior = CodePrior(latent_dim=6, categories=categories, continuous=continuous)
    model = info_gan(gan, prior).eval()
    looked = recover_codes(model, model.classifier, count=20, batch_size=7, seed=0)
    assert set(recovery_scores(prior, *looked)) == names


@pytest.mark.parametrize("batch_size", [1, 7, 100])
def test_it_is_what_the_classifier_says_however_it_is_cut(gan, batch_size):
    model = info_gan(gan).eval()
    latents, posterior = recover_codes(
        model, model.classifier, count=30, batch_size=batch_size, seed=4
    )
    made = model.sample(30, seed=4)
    terms = model.classifier.negative_log_likelihoods(made, PRIOR.codes(latents))
    found = recovery_scores(PRIOR, latents, posterior)
    surprise = sum(term.item() for term in terms.values())
    assert found["information"] == pytest.approx(PRIOR.entropy - surprise, abs=1e-5)
    hits = model.classifier.recovered(made) == latents[:, :3].argmax(dim=1)
    assert found["recovered"] == pytest.approx(hits.float().mean().item())
    for index in (0, 1):
        pair = latents[:, 5 + index].numpy(), model.classifier(made).continuous.mean[:, index]
        expected = np.corrcoef(pair[0], pair[1].detach().numpy())[0, 1]
        assert found[f"correlation_{index}"] == pytest.approx(expected, abs=1e-5)


def test_correlation_has_a_sign_and_none_of_what_does_not_vary():
    values = torch.tensor([0.0, 1.0, 2.0])
    assert correlation(values, -3 * values) == pytest.approx(-1)
    assert correlation(values, torch.tensor([1.0, 5.0, 1.0])) == pytest.approx(0)
    assert correlation(values, torch.ones(3)) == 0


def test_clusters_in_any_order_of_the_classes_are_right():
    labels = torch.arange(4).repeat(5)
    for order in itertools.permutations(range(4)):
        assert clustering_accuracy(torch.tensor(order)[labels], labels) == 1


def test_the_clustering_accuracy_of_a_count_by_hand():
    """Counts [[1, 3], [0, 2], [4, 0]]: the best is cluster 2 for class 0, cluster 0 for class 1."""
    clusters = torch.tensor([0, 0, 0, 0, 1, 1, 2, 2, 2, 2])
    labels = torch.tensor([0, 1, 1, 1, 1, 1, 0, 0, 0, 0])
    assert clustering_accuracy(clusters, labels) == pytest.approx((3 + 4) / 10)
    # Greedy would give cluster 0 its largest class and leave cluster 1 without one: 5 + 0.
    greedy = torch.tensor([0] * 9 + [1] * 4), torch.tensor([0] * 5 + [1] * 4 + [0] * 4)
    assert clustering_accuracy(*greedy) == pytest.approx((4 + 4) / 13)


@pytest.mark.parametrize(("clusters", "classes"), [(2, 4), (4, 2), (3, 3)])
def test_the_assignment_is_the_best_of_all(clusters, classes):
    generator = torch.Generator().manual_seed(1)
    found = torch.randint(clusters, (40,), generator=generator)
    labels = torch.randint(classes, (40,), generator=generator)
    size = max(clusters, classes)
    best = max(
        (torch.tensor(order)[found] == labels).float().mean().item()
        for order in itertools.permutations(range(size))
    )
    assert clustering_accuracy(found, labels) == pytest.approx(best)


def test_it_measures_when_it_is_time_and_at_the_end(gan, trainer, tmp_path, labelled_points):
    callback, model, data = measuring(), info_gan(gan), labelled_points(held_out=1, real=2)
    run = trainer(5, callbacks=[callback], logger=CSVLogger(tmp_path, name="", version=""))
    run.fit(model, datamodule=data)
    assert [row["step"] for row in callback.history] == [2, 4, 5]
    names = {f"codes/{name}" for name in NAMES}
    assert set(callback.history[-1]) == names | {"step"}
    assert callback.directions() == dict.fromkeys(names, "maximize")
    assert names <= set((tmp_path / "metrics.csv").read_text().splitlines()[0].split(","))
    model.eval()
    real, labels = data.held_out(90, 0)
    expected = clustering_accuracy(model.classifier.recovered(real), labels)
    assert float(run.callback_metrics["codes/clustering_accuracy"]) == pytest.approx(expected)
    made, (latents, _) = (
        model.sample(90, seed=0),
        model.draw(90, labels=None, seed=0, truncation=None),
    )
    hits = model.classifier.recovered(made) == latents[:, :3].argmax(dim=1)
    assert callback.history[-1]["codes/recovered"] == pytest.approx(hits.float().mean().item())


def test_without_held_out_samples_it_takes_real_ones_and_says_so(
    gan, trainer, caplog, labelled_points
):
    callback = measuring()
    with caplog.at_level("INFO", logger="ganzoo"):
        trainer(1, callbacks=[callback]).fit(info_gan(gan), datamodule=labelled_points(real=2))
    last = callback.history[-1]
    assert caplog.messages[-len(NAMES) :] == [
        f"codes/recovered {last['codes/recovered']:.4f}: share of 90 generated samples whose "
        "categorical code is recovered",
        *[
            f"codes/correlation_{index} {last[f'codes/correlation_{index}']:.4f}: correlation of "
            "the code with its recovery from 90 generated samples"
            for index in (0, 1)
        ],
        f"codes/information {last['codes/information']:.4f}: nats of information on the codes in "
        "90 generated samples, at least",
        f"codes/clustering_accuracy {last['codes/clustering_accuracy']:.4f}: share of 90 samples "
        "of the training data whose class is the one that their code stands for",
    ]


def test_without_labels_there_is_no_clustering_accuracy(gan, trainer, labelled_points):
    data = labelled_points()
    data.real = lambda count, seed: (torch.zeros(count, 2), None)
    callback = measuring()
    trainer(1, callbacks=[callback]).fit(info_gan(gan), datamodule=data)
    assert set(callback.history[0]) == {"step", *(f"codes/{name}" for name in NAMES[:-1])}


def test_a_model_that_recovers_no_codes_is_left_alone(gan, trainer, caplog, labelled_points):
    callback = measuring()
    with caplog.at_level("INFO", logger="ganzoo"):
        trainer(2, callbacks=[callback]).fit(gan(), datamodule=labelled_points(real=2))
    assert callback.history == []
    assert caplog.messages == ["without codes: GAN has no classifier that recovers codes"]


def test_a_resumed_run_has_the_measurements_of_one_that_was_not_stopped(
    gan, trainer, tmp_path, labelled_points
):
    data, path, resuming = (
        labelled_points(real=1),
        tmp_path / "a.ckpt",
        {"plugins": AtomicCheckpointIO()},
    )
    whole, first, second, third = (measuring() for _ in range(4))
    trainer(5, callbacks=[whole]).fit(info_gan(gan), datamodule=data)
    run = trainer(4, callbacks=[first], **resuming)
    run.fit(info_gan(gan), datamodule=data)
    run.save_checkpoint(path)
    again = trainer(5, callbacks=[second], **resuming)
    again.fit(info_gan(gan), datamodule=data, ckpt_path=path)
    assert [row["step"] for row in second.history] == [2, 4, 5]
    assert second.history[:2] == whole.history[:2]
    third.load_state_dict(whole.state_dict())
    assert [row["step"] for row in third.history] == [2, 4]
    assert third.last_step == 4


@pytest.mark.parametrize("name", ["every_n_steps", "samples", "batch_size"])
@pytest.mark.parametrize("number", [0, -1])
def test_impossible_numbers_are_refused(name, number):
    with pytest.raises(InputError, match=f"^{name} must be a whole number from 1 up"):
        measuring(**{name: number})
