import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from ganzoo.composition.compose import build, compose_config, group_choices
from ganzoo.errors import InputError
from ganzoo.losses import (
    AdversarialTerm,
    Hinge,
    LeastSquares,
    Minimax,
    PairedComparison,
    Relativistic,
)
from ganzoo.networks.patchgan import PatchGANDiscriminator

RELATIVISTIC = Relativistic(loss=Minimax(label_smoothing=0.0), comparison=PairedComparison())


class Counting(nn.Module):
    """A discriminator of pictures that counts its passes, with one logit a sample or maps."""

    def __init__(self, *sizes: int) -> None:
        super().__init__()
        self.sizes, self.passes = sizes, 0
        self.layer = nn.Conv2d(1, 2, 3, padding=1)
        self.unused_bias = nn.Parameter(torch.ones(2), requires_grad=False)

    def forward(self, images):
        self.passes += 1
        features = self.layer(images).tanh()
        if not self.sizes:
            return features.mean(dim=(1, 2, 3))
        heads = [functional.adaptive_avg_pool2d(features, size)[:, :1] for size in self.sizes]
        return heads[0] if len(heads) == 1 else heads


def term(*sizes, seed=0, **settings):
    torch.manual_seed(seed)
    return AdversarialTerm(**{"discriminator": Counting(*sizes), "loss": Hinge()} | settings)


def batch(size=5, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(size, 1, 6, 6, generator=generator) * 2 - 1


def decoder(seed=2):
    torch.manual_seed(seed)
    return nn.Conv2d(1, 1, 3, padding=1)


@pytest.mark.parametrize("sizes", [(), (4,)])
def test_without_a_last_layer_it_is_the_weighted_loss(sizes):
    made, fake, real = term(*sizes, weight=0.3, discriminator_weight=0.7), batch(), batch(4, seed=3)
    logits = {"fake": made.discriminator(fake), "real": made.discriminator(real)}
    found = made.generator_term(fake, real, step=0)
    assert list(found.terms) == ["adversarial"]
    torch.testing.assert_close(found.loss, -0.3 * logits["fake"].mean())
    assert found.weight.item() == pytest.approx(0.3)
    terms = made.discriminator_term(real, fake, step=0).terms
    torch.testing.assert_close(terms["real"], 0.7 * functional.relu(1 - logits["real"]).mean())
    torch.testing.assert_close(terms["fake"], 0.7 * functional.relu(1 + logits["fake"]).mean())


def test_with_a_last_layer_its_gradient_there_is_the_weight_times_that_of_the_other_loss():
    made, last, real = term(4, weight=0.8), decoder(), batch()
    fake = last(batch(seed=3))
    reconstruction = functional.l1_loss(fake, real)
    found = made.generator_term(
        fake, real, step=0, reconstruction_loss=reconstruction, last_layer=last.weight
    )
    sizes = [
        torch.autograd.grad(loss, last.weight, retain_graph=True)[0].norm()
        for loss in (reconstruction, found.loss)
    ]
    # A little below, by the eps in the denominator.
    assert 0.79 < (sizes[1] / sizes[0]).item() < 0.8
    assert not found.weight.requires_grad
    torch.testing.assert_close(found.loss, -found.weight * made.discriminator(fake).mean())


def test_the_generator_s_term_leaves_nothing_in_the_discriminator_and_the_other_way_round():
    made, last, real = term(4), decoder(), batch()
    fake = last(batch(seed=3))
    reconstruction = functional.l1_loss(fake, real)
    found = made.generator_term(
        fake, real, step=0, reconstruction_loss=reconstruction, last_layer=last.weight
    )
    found.loss.backward()
    assert all(value.grad is None for value in made.parameters())
    assert all(value.grad.abs().max() > 0 for value in last.parameters())
    last.zero_grad()
    made.discriminator_term(real, last(real), step=0).loss.backward()
    assert all(value.grad is None for value in last.parameters())
    assert made.discriminator.layer.weight.grad.abs().max() > 0
    asked = {name: value.requires_grad for name, value in made.discriminator.named_parameters()}
    assert asked == {"unused_bias": False, "layer.weight": True, "layer.bias": True}


def test_the_discriminator_is_trained_again_after_an_error():
    made = term()
    with pytest.raises(RuntimeError):
        made.generator_term(torch.zeros(1, 2, 6, 6), batch(), step=0)
    assert made.discriminator.layer.weight.requires_grad


def test_before_the_start_there_is_no_term_and_no_pass():
    made, last = term(start=3), decoder()
    fake, real = last(batch(seed=3)), batch()
    reconstruction = functional.l1_loss(fake, real)
    adaptive = {"reconstruction_loss": reconstruction, "last_layer": last.weight}
    before = made.generator_term(fake, real, step=2, **adaptive)
    of_discriminator = made.discriminator_term(real, fake, step=2)
    assert (before.loss.item(), before.weight.item(), of_discriminator.loss.item()) == (0, 0, 0)
    of_discriminator.loss.backward()
    assert made.discriminator.layer.weight.grad.eq(0).all(), "so that an optimizer can step"
    assert made.discriminator.passes == 0
    assert [made.started(step) for step in (2, 3, 4)] == [False, True, True]
    assert made.generator_term(fake, real, step=3, **adaptive).weight > 0
    assert made.discriminator_term(real, fake, step=3).loss > 0


@pytest.mark.parametrize("loss", [Hinge(), LeastSquares(), RELATIVISTIC], ids=lambda x: str(x))
def test_heads_weigh_the_same_whatever_their_size(loss):
    made, fake, real = term(2, 5, 6, loss=loss), batch(), batch(seed=3)
    heads = [
        (made.discriminator(real)[number], made.discriminator(fake)[number]) for number in range(3)
    ]
    ours = made.discriminator_term(real, fake, step=0).terms
    for name in ("real", "fake"):
        wanted = sum(loss.discriminator(*head)[name] for head in heads) / 3
        torch.testing.assert_close(ours[name], 0.5 * wanted)
    theirs = sum(
        loss.generator_against(b, lambda a=a: a)["adversarial"] for a, b in heads
    ) / 3  # fmt: skip
    torch.testing.assert_close(made.generator_term(fake, real, step=0).loss, 0.8 * theirs)


@pytest.mark.parametrize(("loss", "passes"), [(Hinge(), 1), (RELATIVISTIC, 2)])
def test_real_data_pass_only_where_a_loss_compares_and_once_for_all_heads(loss, passes):
    made = term(2, 3, loss=loss)
    made.generator_term(batch(), batch(seed=3), step=0)
    assert made.discriminator.passes == passes


def test_one_optimizer_for_the_sum_does_what_two_do_at_once():
    def update(together):
        made, last, real = term(4), decoder(), batch()
        fake = last(batch(seed=3))
        reconstruction = functional.l1_loss(fake, real)
        losses = [
            reconstruction
            + made.generator_term(
                fake, real, step=0, reconstruction_loss=reconstruction, last_layer=last.weight
            ).loss,
            made.discriminator_term(real, fake, step=0).loss,
        ]
        for loss in [sum(losses)] if together else losses:
            loss.backward()
        trained = [
            value for value in (*last.parameters(), *made.parameters()) if value.grad is not None
        ]
        torch.optim.SGD(trained, lr=0.1).step()
        return [value.detach() for value in trained]

    for ours, theirs in zip(update(together=True), update(together=False), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("name", group_choices("loss"))
def test_every_loss_of_the_library_can_be_its_loss(name):
    loss = build(compose_config([], f"loss/{name}").loss)
    made, last, real = term(loss=loss), decoder(), batch()
    fake = last(batch(seed=3))
    reconstruction = functional.l1_loss(fake, real)
    for _ in range(2):  # some remember
        found = made.generator_term(
            fake, real, step=0, reconstruction_loss=reconstruction, last_layer=last.weight
        )
        assert 0 < found.weight < 0.8e4
        discriminator = made.discriminator_term(real, fake, step=0)
        assert {"real", "fake"} <= discriminator.terms.keys()
        (found.loss + discriminator.loss).backward(retain_graph=True)
        gradients = (last.weight.grad, made.discriminator.layer.weight.grad)
        assert all(value.isfinite().all() and value.abs().max() > 0 for value in gradients)


def test_bfloat16_has_the_terms_of_float32():
    torch.manual_seed(0)
    patches = PatchGANDiscriminator(shape=[1, 16, 16], width=4, downsamplings=1)
    made, last = term(discriminator=patches), decoder()
    real, data = torch.rand(4, 1, 16, 16), torch.rand(4, 1, 16, 16)

    def values(enabled):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            fake = last(data)
            reconstruction = functional.l1_loss(fake, real)
            generator = made.generator_term(
                fake, real, step=0, reconstruction_loss=reconstruction, last_layer=last.weight
            )
            discriminator = made.discriminator_term(real, fake, step=0)
        return generator.loss, generator.weight, discriminator.loss

    for half, full in zip(values(enabled=True), values(enabled=False), strict=True):
        assert half.dtype == torch.float32
        torch.testing.assert_close(half, full, rtol=0.05, atol=2e-3)


def test_it_is_kept_and_copied_with_its_loss():
    made = term(loss=build(compose_config([], "loss/fisher").loss))
    made.discriminator_term(batch(), batch(seed=3), step=0)
    assert made.state_dict()["loss.multiplier"] != 0
    other = copy.deepcopy(made)
    assert torch.equal(
        other.generator_term(batch(), batch(), step=0).loss,
        made.generator_term(batch(), batch(), step=0).loss,
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"weight": -1.0}, "weight must be"),
        ({"discriminator_weight": float("nan")}, "discriminator_weight must be"),
        ({"start": -1}, "start must be a whole number from 0"),
        ({"eps": 0.0}, "eps must be"),
        ({"largest_adaptive_weight": 0.0}, "largest_adaptive_weight must be"),
        ({"loss": nn.MSELoss()}, "loss must be an object with discriminator"),
    ],
)
def test_wrong_settings_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        term(**settings)


def test_wrong_use_is_refused():
    made, last = term(), decoder()
    fake = last(batch())
    with pytest.raises(InputError, match="needs both reconstruction_loss and last_layer"):
        made.generator_term(fake, batch(), step=0, last_layer=last.weight)
    with pytest.raises(InputError, match="reconstruction_loss does not depend on last_layer"):
        made.generator_term(
            fake, batch(), step=0, reconstruction_loss=fake.mean(), last_layer=decoder().weight
        )

    class Named(nn.Module):
        def forward(self, data):
            return [data.mean(dim=(1, 2, 3)), "features"]

    with pytest.raises(InputError, match="one of them is of type str"):
        term(discriminator=Named()).generator_term(fake, batch(), step=0)
