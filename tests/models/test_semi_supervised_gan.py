import pytest
import torch
from lightning.pytorch import seed_everything
from torch import nn
from torch.nn.functional import cross_entropy, log_softmax, softmax

from ganzoo.composition.compose import build, compose_config
from ganzoo.composition.create import build_model
from ganzoo.errors import InputError
from ganzoo.game.minibatch import Minibatch
from ganzoo.models.semi_supervised_gan import SemiSupervisedGAN, classification

K = 3


@pytest.fixture
def model(gan):
    network = nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(0.2), nn.Linear(8, K))
    return gan(SemiSupervisedGAN, discriminator=network, num_classes=K)


@pytest.fixture
def real():
    return torch.randn(12, 2, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def fake():
    return 3 + torch.randn(9, 2, generator=torch.Generator().manual_seed(2))


LABELS = torch.arange(12) % K


def context(model, real, labels, fake):
    return model.context(Minibatch({"real": real, "labels": labels}, len(real)), fake=fake)


def with_generated_class(model, data):
    """The K + 1 logits of the paper, whose last is 0."""
    logits = model.discriminator(data)
    return torch.cat([logits, logits.new_zeros(len(data), 1)], dim=1)


def test_the_adversarial_logit_is_that_of_not_being_the_last_of_k_plus_1_classes(model, real):
    generated = softmax(with_generated_class(model, real), dim=1)[:, K]
    real_probability = model.score(real).sigmoid()
    torch.testing.assert_close(real_probability, 1 - generated)
    z = model.classify(real).exp().sum(dim=1)
    torch.testing.assert_close(real_probability, z / (z + 1))


def test_section_5_with_all_labels_is_cross_entropy_of_k_plus_1_classes(model, real, fake):
    terms = model.discriminator_losses(context(model, real, LABELS, fake))
    generated = torch.full((len(fake),), K)
    expected = cross_entropy(with_generated_class(model, real), LABELS) + cross_entropy(
        with_generated_class(model, fake), generated
    )
    assert set(terms) == {"real", "fake", "classification"}
    torch.testing.assert_close(sum(terms.values()), expected)


def test_section_5_with_few_labels_written_out_by_hand(model, real, fake):
    labels = LABELS.clone()
    labels[[0, 2, 3, 5, 6, 8, 9, 11]] = -1
    known = [1, 4, 7, 10]
    terms = model.discriminator_losses(context(model, real, labels, fake))
    of_real = log_softmax(with_generated_class(model, real), dim=1)
    of_fake = log_softmax(with_generated_class(model, fake), dim=1)
    not_generated = torch.log1p(-of_real[:, K].exp())
    supervised = -(of_real[known, labels[known]] - not_generated[known]).mean()
    torch.testing.assert_close(terms["classification"], supervised)
    torch.testing.assert_close(terms["real"], -not_generated.mean())
    torch.testing.assert_close(terms["fake"], -of_fake[:, K].mean())


def test_a_constant_on_all_class_logits_moves_the_adversarial_logit_alone(model, real):
    before = model.discriminator_losses(context(model, real, LABELS, real))
    logits = model.score(real)
    with torch.no_grad():
        model.discriminator[-1].bias += 1.5
    after = model.discriminator_losses(context(model, real, LABELS, real))
    torch.testing.assert_close(after["classification"], before["classification"])
    torch.testing.assert_close(model.score(real), logits + 1.5)
    assert after["real"] < before["real"]


def test_without_a_known_label_the_gradient_is_the_adversarial_one(model, real, fake):
    terms = model.discriminator_losses(context(model, real, torch.full((12,), -1), fake))
    assert terms["classification"] == 0
    parameters = list(model.discriminator.parameters())
    found = torch.autograd.grad(sum(terms.values()), parameters, retain_graph=True)
    alone = torch.autograd.grad(terms["real"] + terms["fake"], parameters)
    for mine, theirs in zip(found, alone, strict=True):
        assert mine.isfinite().all()
        assert torch.equal(mine, theirs)


def test_large_logits_leave_everything_finite(model, real, fake):
    with torch.no_grad():
        model.discriminator[-1].weight *= 1e6
    terms = model.discriminator_losses(context(model, real, LABELS, fake))
    gradients = torch.autograd.grad(sum(terms.values()), list(model.discriminator.parameters()))
    assert all(gradient.isfinite().all() for gradient in gradients)


def test_the_generator_matches_mean_features(model, real, fake):
    fake.requires_grad_()
    terms = model.generator_losses(context(model, real, LABELS, fake))
    features = model.discriminator[:2]
    expected = (features(real).mean(dim=0) - features(fake).mean(dim=0)).square().sum()
    assert set(terms) == {"feature_matching"}
    torch.testing.assert_close(terms["feature_matching"], expected)
    mine, theirs = (torch.autograd.grad(x, fake)[0] for x in (*terms.values(), expected))
    torch.testing.assert_close(mine, theirs)


def test_labels_left_out_count_for_nothing():
    logits = torch.randn(6, K, generator=torch.Generator().manual_seed(3))
    labels = torch.tensor([2, -1, 0, -1, -1, 1])
    alone = classification(logits[labels >= 0], labels[labels >= 0])
    torch.testing.assert_close(classification(logits, labels), alone)
    logits[1] = 1e4
    torch.testing.assert_close(classification(logits, labels), alone)


def test_what_does_not_fit_is_refused_in_one_line(gan, model, real, fake):
    with pytest.raises(InputError, match="needs a data set with classes"):
        gan(SemiSupervisedGAN, num_classes=None)
    with pytest.raises(InputError, match="set packing=1"):
        gan(SemiSupervisedGAN, num_classes=K, packing=2)
    with pytest.raises(InputError, match=r"\[12\]: set network.discriminator.outputs=3$"):
        gan(SemiSupervisedGAN, num_classes=K).classify(real)
    with pytest.raises(InputError, match=r"pairs \(data, labels\)"):
        model.discriminator_losses(context(model, real, None, fake))


def accuracy(network, data, labels):
    network.eval()
    with torch.no_grad():
        return float((network(data).argmax(dim=1) == labels).float().mean())


def learned_from_labels_alone(network, data, steps=1000):
    """The best of what the discriminator's network makes of the labelled samples by themselves."""
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, betas=(0.5, 0.999))
    few = data.source.gather(data._labelling.chosen)
    pictures, labels = few[0] / 127.5 - 1, few[1]
    for _ in range(steps):
        noisy = pictures + 0.3 * torch.randn_like(pictures)
        optimizer.zero_grad()
        cross_entropy(network(noisy), labels).backward()
        optimizer.step()
    return network


@pytest.mark.slow
def test_unlabelled_digits_help_to_classify(trainer):
    """With 100 labels, against the same network with the same noise on the 100 alone."""
    config = compose_config(["experiment=semi_supervised_digits", "trainer.max_steps=700"])
    seed_everything(0, verbose=False)
    model = build_model(config, "semi_supervised_gan", "digits")
    data = build(config.dataset.datamodule)
    trainer(700, log_every_n_steps=100).fit(model, datamodule=data)
    pictures, labels = data.unlabelled(1697, 0)
    alone = learned_from_labels_alone(build(config.network.discriminator), data)
    without, found = (accuracy(net, pictures, labels) for net in (alone, model.discriminator))
    assert len(pictures) == 1697
    assert found >= 0.91
    assert found >= without + 0.02
