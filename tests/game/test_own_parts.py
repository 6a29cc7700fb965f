"""Parts of a user's own: what has one meaning plays, the rest is told what a part must have."""

from functools import partial
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn.functional import softplus

from ganzoo.errors import InputError
from ganzoo.losses.drift import Drift
from ganzoo.losses.hinge import Hinge
from ganzoo.losses.minimax import NonSaturating
from ganzoo.losses.own import as_loss
from ganzoo.models.bigan import BiGAN
from ganzoo.networks.latents import Normal
from ganzoo.optim.gradient_play import Alternating
from ganzoo.penalties.zero_centered import R1

ADAM = partial(torch.optim.Adam, lr=1e-3, betas=(0.5, 0.999))


class OwnModule(nn.Module):
    """The non-saturating loss, one value for each sample, with a buffer."""

    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(()))

    def discriminator(self, real, fake):
        self.seen += 1
        return softplus(-real) + softplus(fake)

    def generator(self, fake):
        return softplus(-fake)


class OwnObject:
    """The same as a plain object with named terms."""

    def discriminator(self, real, fake):
        return {"real": softplus(-real).mean(), "fake": softplus(fake).mean()}

    def generator(self, fake):
        return {"adversarial": softplus(-fake).mean()}


class Against(OwnObject):
    """A generator's loss that compares."""

    def generator_against(self, fake, real):
        return softplus(real() - fake).mean()


def trained(gan, trainer, batches, **changes):
    torch.manual_seed(0)
    model = gan(**changes)
    torch.manual_seed(1)
    trainer(3).fit(model, batches(8, 2))
    return model


@pytest.mark.parametrize("loss", [OwnModule(), OwnObject()])
def test_a_loss_without_the_base_class_trains_as_ours_does(gan, trainer, batches, loss):
    mine = trained(gan, trainer, batches, loss=loss)
    ours = trained(gan, trainer, batches, loss=NonSaturating(label_smoothing=0.0))
    torch.testing.assert_close(mine.sample(4, seed=0), ours.sample(4, seed=0))
    wanted = {"adversarial"} if isinstance(loss, OwnModule) else {"real", "fake"}
    terms = {name.split("/")[1] for name in mine.latest_terms if name.startswith("discriminator")}
    assert terms == wanted | {"loss", "gradient_norm"}


def test_a_module_s_buffers_are_saved_with_the_model(gan):
    assert any(name.endswith("seen") for name in gan(loss=OwnModule()).state_dict())


def test_a_loss_may_compare_and_be_part_of_ours():
    real, fake = torch.tensor([1.0, 2.0]), torch.tensor([0.5, -1.0])
    against = as_loss(Against()).generator_against(fake, lambda: real)
    torch.testing.assert_close(against["adversarial"], softplus(real - fake).mean())
    drifting = Drift(loss=OwnObject(), weight=1.0).discriminator(real, fake)
    assert set(drifting) == {"real", "fake", "drift"}


WANTED = r"loss must be an object with discriminator\(real, fake\) and generator\(fake\), .*; "


@pytest.mark.parametrize(
    ("loss", "found"),
    [
        (Hinge, "the class Hinge, not an object: write Hinge"),
        (softplus, "the function softplus"),
        (nn.BCEWithLogitsLoss(), "of type BCEWithLogitsLoss"),
        (None, "of type NoneType"),
        (SimpleNamespace(discriminator=OwnObject().discriminator), "of type SimpleNamespace"),
        (
            SimpleNamespace(
                discriminator=OwnObject().discriminator, generator=lambda real, fake: fake
            ),
            r"generator\(real, fake\) is another",
        ),
    ],
)
def test_other_losses_are_told_what_a_loss_must_have(gan, loss, found):
    with pytest.raises(InputError, match=WANTED + ".*" + found) as error:
        gan(loss=loss)
    assert len(str(error.value)) < 300


def test_what_a_loss_must_return(gan, trainer, batches):
    loss = SimpleNamespace(discriminator=lambda real, fake: 1.0, generator=softplus)
    with pytest.raises(InputError, match=WANTED + "discriminator returned of type float"):
        trainer(1).fit(gan(loss=loss), batches(8, 2))


def gradient_at_real_data(discriminator, real, fake):
    data = real.requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(data).sum(), data, create_graph=True)
    return gradient.square().sum(1) / 2


def test_a_function_is_a_penalty_of_the_discriminator(gan, trainer, batches):
    mine = trained(gan, trainer, batches, penalties={"p": gradient_at_real_data})
    ours = trained(gan, trainer, batches, penalties={"p": R1(weight=1.0, interval=1)})
    assert mine.latest_terms["discriminator/p"] > 0
    torch.testing.assert_close(mine.sample(4, seed=0), ours.sample(4, seed=0))


def test_a_class_of_torch_is_a_function_to_an_optimizer(gan, trainer, batches):
    optimizers = {"generator": torch.optim.Adam, "discriminator": torch.optim.SGD}
    run = trainer(1)
    run.fit(gan(optimizers=optimizers), batches(8, 2))
    assert {type(one) for one in run.optimizers} == set(optimizers.values())


def test_one_function_makes_the_optimizers_of_all_players(gan, trainer, batches):
    run, model = trainer(1), gan(optimizers=partial(torch.optim.SGD, lr=0.3))
    run.fit(model, batches(8, 2))
    assert [group["lr"] for one in run.optimizers for group in one.param_groups] == [0.3, 0.3]
    theirs = [one.param_groups[0]["params"] for one in run.optimizers]
    assert [len(params) for params in theirs] == [4, 4]
    assert theirs[1][0] is model.generator[0].weight


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"generator": nn.Linear}, "generator must be a torch.nn.Module; it is the class Linear"),
        (
            {"discriminator": softplus},
            "discriminator must be a torch.nn.Module; it is the function",
        ),
        ({"penalties": [R1(weight=1.0, interval=1)]}, "penalties must be a dictionary .*type list"),
        ({"penalties": {"r1": R1}}, r"penalty r1 must be .*the class R1, not an object: write R1"),
        ({"penalties": {"x": 3.0}}, r"penalty x must be .*\(discriminator, real, fake\).*float"),
        ({"penalties": {"x": softplus}}, "penalty x must be"),
        ({"latent_prior": Normal}, "latent_prior must have .*the class Normal"),
        (
            {"latent_prior": torch.distributions.Normal(0, 1)},
            r"latent_prior must have a whole number latent_dim and sample\(count, .*type Normal",
        ),
        ({"optimizers": 2e-4}, "optimizers must be a dictionary .* or one function .*type float"),
        (
            {"optimizers": ADAM(nn.Linear(1, 1).parameters())},
            "optimizers must be a dictionary .*; it is of type Adam",
        ),
        (
            {"optimizers": {"generator": ADAM(nn.Linear(1, 1).parameters())}},
            r"optimizers\['generator'\] must be a function, .*of type Adam",
        ),
        (
            {"update_rule": Alternating},
            "update_rule must be an update rule .*the class Alternating",
        ),
        ({"ema": nn.Linear(1, 1)}, "ema must be a function, .*of type Linear"),
        ({"schedule": 3}, "schedule must be a function, .*of type int"),
        ({"penalties": {"values": R1()}}, "give a penalty another name: .*'values'"),
        ({"penalties": {"my.r1": R1()}}, "give a penalty another name: .*my.r1"),
        ({"augmentations": {"half": torch.tanh}}, "give an augmentation another name: .*'half'"),
        ({"augmentations": torch.tanh}, "augmentations must be a dictionary .*the function tanh"),
        ({"augmentations": {"shift": 1.0}}, "augmentations must be a dictionary .*type dict"),
    ],
)
def test_other_parts_are_told_what_they_must_be(gan, changes, message):
    with pytest.raises(InputError, match=message) as error:
        gan(**changes)
    assert len(str(error.value)) < 300


def test_a_factory_that_makes_no_optimizer(gan, trainer, batches):
    factories = {"generator": ADAM, "discriminator": list}
    with pytest.raises(InputError, match="the optimizer of the discriminator: .* of type list"):
        trainer(1).fit(gan(optimizers=factories), batches(8, 2))


def test_a_plain_network_is_told_how_to_become_an_encoder(gan):
    with pytest.raises(InputError, match=r"Encoder\(network=lambda outputs: network.*Linear"):
        gan(BiGAN, encoder=nn.Linear(2, 4))
