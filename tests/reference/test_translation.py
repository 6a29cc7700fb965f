"""The networks, losses and whole training passes of pix2pix and CycleGAN, and their image pool."""

import math
import re

import pytest
import torch
from torch import Tensor, nn

from ganzoo.augment.image_pool import ImagePool
from ganzoo.game.minibatch import Minibatch
from ganzoo.losses import LeastSquares, NonSaturating, Wasserstein
from ganzoo.losses.base import total
from ganzoo.models.cycle_gan import CycleGAN
from ganzoo.models.pix2pix import Pix2Pix
from ganzoo.penalties.gradients import gradient_norms, input_gradients
from tests.reference import translation
from tests.reference.cases import Case, cases, count_rows, gradients, state_after
from tests.reference.translation import FAMILIES, dropout_masks, loaded, settings

both_precisions = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
# The authors' terms by their names: ours, and how many of ours make one of theirs.
LOSSES = {
    "vanilla": (NonSaturating(label_smoothing=0.0), 1),
    "lsgan": (LeastSquares(), 2),
    "wgangp": (Wasserstein(), 1),
}


def kind_of(case: Case) -> str:
    """Which of the tests below a case is for, by what it holds."""
    if "input.index_draws" in case.tensors:
        return "pool"
    if "input.prediction" in case.tensors:
        return "losses"
    if any(name.startswith("loss.") for name in case.expected):
        return "cycle" if "lambda_A" in case.configuration else "paired"
    return "network"


def every(kind: str):
    found = cases(*FAMILIES, of=lambda case: kind_of(case) == kind)
    return pytest.mark.parametrize("case", found)


@every("network")
@both_precisions
def test_outputs_and_statistics(case, dtype):
    inputs = case.inputs(dtype)
    network, table = loaded(case, dtype, case.configuration, inputs["image"])
    found = {"output.eval": network.eval()(inputs["image"])}
    with dropout_masks(inputs):
        found["output.train"] = network.train()(inputs["image"])
    case.check(found | state_after(case, "one_train_forward", network, table))


@every("losses")
@both_precisions
def test_losses_and_penalties(case, dtype):
    inputs = case.inputs(dtype)
    prediction = inputs["prediction"].requires_grad_()
    found = {}
    for mode, (loss, times) in LOSSES.items():
        for side, cost in (("real", loss.real_cost), ("fake", loss.fake_cost)):
            name = f"{mode}_target_{side}"
            found[f"loss.{name}"] = times * cost(prediction).mean()
            (slope,) = torch.autograd.grad(found[f"loss.{name}"], prediction)
            found[f"gradient.{name}.prediction"] = slope
        wanted = times * loss.generator(prediction)["adversarial"]
        assert torch.equal(wanted, found[f"loss.{mode}_target_real"])
    case.check(found | penalties(case, dtype, inputs))


def penalties(case: Case, dtype: torch.dtype, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Of gradients by pictures: real or generated ones, or those in between."""
    network, table = loaded(case, dtype, case.configuration["D"], inputs["real"])

    def score(images: Tensor) -> Tensor:
        """The authors differentiate the sum of a picture's logits, ours their mean."""
        return network(images).flatten(1).sum(dim=1)

    alpha = inputs["alpha"][:, :, None, None]
    points = {
        "mixed": alpha * inputs["real"] + (1 - alpha) * inputs["fake"],
        "real": inputs["real"],
        "fake": inputs["fake"],
    }
    found = {}
    for name in case.expected:
        if match := re.fullmatch(r"penalty\.(gradient_penalty_(\w+)_constant_(.*))", name):
            violation = gradient_norms(score, points[match[2]]) - float(match[3])
            found[name] = case.configuration["lambda_gp"] * violation.square().mean()
            found |= gradients(case, match[1], network, table, found[name])
        elif name.startswith("output.image_gradients"):
            found[name] = input_gradients(score, points["mixed"])
    return found


def pix2pix_terms(case: Case, networks: dict[str, nn.Module], a: Tensor, b: Tensor):
    """What the players of the model pay, under the authors' names."""
    loss, times = LOSSES[case.configuration["gan_mode"]]
    model = Pix2Pix(
        generator=networks["G"],
        discriminator=networks["D"],
        shape_a=a.shape[1:],
        shape_b=b.shape[1:],
        loss=loss,
        discriminator_weight=times / 2,
        adversarial_weight=times,
        reconstruction_weight=case.configuration["lambda_L1"],
    )
    minibatch = Minibatch({"a": a, "b": b}, len(a))
    context = model.context(minibatch)
    made, costs = model.generator_losses(context), model.discriminator_losses(context)
    terms = {
        "loss_D_fake": 2 * costs["fake"],
        "loss_D_real": 2 * costs["real"],
        "loss_G_GAN": made["adversarial"],
        "loss_G_L1": made["reconstruction"],
        "loss_G": total(made),
    }
    model.generator.requires_grad_(False)  # as in the discriminator's step
    seen = model.context(Minibatch({"a": a, "b": b}, len(a)))
    seen.fake = context.fake.detach()
    terms["loss_D"] = total(model.discriminator_losses(seen))
    model.generator.requires_grad_(True)
    return terms, {"fake_B": context.translation}


def cycle_gan_terms(case: Case, networks: dict[str, nn.Module], a: Tensor, b: Tensor):
    """What the players of the model pay, under the authors' names.

    Their G_A makes B from A, and their D_A sees pictures of B.
    """
    loss, times = LOSSES[case.configuration["gan_mode"]]
    weights = {side: case.configuration[f"lambda_{side}"] for side in "AB"}
    assert weights["A"] == weights["B"], "the model has one weight for both cycles"
    generators = iter([networks["G_A"], networks["G_B"]])
    discriminators = iter([networks["D_B"], networks["D_A"]])
    model = CycleGAN(
        generator=lambda **_: next(generators),
        discriminator=lambda **_: next(discriminators),
        shape_a=a.shape[1:],
        shape_b=b.shape[1:],
        loss=loss,
        pool=None,
        discriminator_weight=times / 2,
        adversarial_weight=times,
        cycle_weight=weights["A"],
        identity_weight=weights["A"] * case.configuration["lambda_identity"],
    )
    minibatch = Minibatch({"a": a, "b": b}, len(a))
    generator, *others = model.players
    made = generator.compute_terms(minibatch)
    terms = {
        "loss_G_A": made["adversarial_b"],
        "loss_G_B": made["adversarial_a"],
        "loss_cycle_A": made["cycle_a"],
        "loss_cycle_B": made["cycle_b"],
        "loss_idt_A": made["identity_b"],
        "loss_idt_B": made["identity_a"],
        "loss_G": total(made),
    }
    for side, player in zip("BA", others, strict=True):
        terms[f"loss_D_{side}"] = total(player.compute_terms(minibatch))
    fakes = {"A": minibatch.fields["fake_a"], "B": minibatch.fields["fake_b"]}
    back = {"A": model.b_to_a(fakes["B"]), "B": model.a_to_b(fakes["A"])}
    outputs = {f"fake_{side}": fakes[side] for side in "AB"}
    return terms, outputs | {f"rec_{side}": back[side] for side in "AB"}


TERMS = {"paired": pix2pix_terms, "cycle": cycle_gan_terms}
# Of which of the networks the gradient of a term is stored, and under which name.
PAIRED = {"generator": ("G", "loss_G"), "discriminator": ("D", "loss_D")}
CYCLE = {side: (side, "loss_G") for side in ("G_A", "G_B")}
CYCLE |= {f"D_{side}": (f"D_{side}", f"loss_D_{side}") for side in "AB"}


@every("paired")
@both_precisions
def test_a_training_pass_of_pix2pix(case, dtype):
    a, b = (case.inputs(dtype)[side] for side in "AB")
    seen = {"G": {"input_nc": a.shape[1]}, "D": {"input_nc": a.shape[1] + b.shape[1]}}
    check_pass(case, dtype, seen, PAIRED)


@every("cycle")
@both_precisions
def test_a_training_pass_of_cycle_gan(case, dtype):
    check_pass(case, dtype, {name: {} for name in CYCLE}, CYCLE)


def check_pass(case, dtype, seen, players):
    """Compare outputs, terms and the gradients of all players' parameters."""
    inputs = case.inputs(dtype)
    built = {
        name: loaded(case, dtype, case.configuration[name[0]], inputs["A"], name, **channels)
        for name, channels in seen.items()
    }
    networks = {name: network.train() for name, (network, _) in built.items()}
    with dropout_masks(inputs):
        terms, outputs = TERMS[kind_of(case)](case, networks, inputs["A"], inputs["B"])
    found = {f"loss.{name}": term for name, term in terms.items()}
    found |= {f"output.{name}": output for name, output in outputs.items()}
    for stored, (name, term) in players.items():
        found |= gradients(case, stored, *built[name], terms[term])
    case.check(found)


@every("pool")
def test_the_image_pool(case):
    inputs = case.inputs(torch.float32)
    images, chances = inputs["images"], inputs["uniform_draws"].tolist()
    pool = ImagePool(size=case.configuration["pool_size"], shape=images.shape[1:])
    # Theirs draws once the pool is full, and a place where it needs one; ours for each picture.
    exchanged = torch.arange(len(images)) % 2 == 0
    drawn = exchanged[len(pool.pool) :]
    drawn[:] = torch.tensor(chances) > 0.5
    needed = int(drawn.sum())
    places = torch.full((len(images),), len(pool.pool) - 1)
    places[len(pool.pool) :][drawn] = inputs["index_draws"][:needed]
    returned = sorted(name for name in case.expected if name.startswith("output.returned_"))
    batch = len(images) // len(returned)
    draws = zip(*(part.split(batch) for part in (images, exchanged, places)), strict=True)
    found = {f"output.returned_{number}": pool.exchange(*draw) for number, draw in enumerate(draws)}
    found["output.pool_at_the_end"] = pool.pool
    found["output.uniform_draws_used"] = torch.tensor(float(len(drawn)))
    found["output.index_draws_used"] = torch.tensor(float(needed))
    case.check(found)


@pytest.mark.parametrize("row", count_rows("pix2pix") + count_rows("CycleGAN"))
def test_published_sizes_have_the_published_number_of_parameters(row):
    words = row["configuration"]
    told, size = settings(words), (256, 256)
    with torch.device("meta"):
        if match := re.search(r"U-Net (\d+)", words):
            side = int(match[1])
            network = translation.unet(told | {"num_downs": int(math.log2(side))}, (side, side))
        elif match := re.search(r"ResNet-(\d+)", words):
            network = translation.resnet(told | {"n_blocks": int(match[1])}, size)
        else:
            build = translation.pixel if "pixel" in words else translation.patchgan
            network = build(told, size)
    expected = row.get("generator", row.get("discriminator"))
    assert sum(parameter.numel() for parameter in network.parameters()) == expected
