"""StyleGAN2's discriminators of three forms, and the terms of its game, against the authors'."""

import pytest
import torch
from torch.nn.functional import softplus

from ganzoo.foreign_weights.stylegan2 import GENERATOR
from ganzoo.penalties.context import Context
from ganzoo.penalties.zero_centered import R1
from tests.reference import stylegan2
from tests.reference.cases import FOLDER, Case, cases, count_rows, gradients
from tests.reference.stylegan2 import (
    constant_noise,
    discriminator,
    labels_of,
    loaded,
    loaded_discriminator,
    settings,
    told_of_count,
)

both_precisions = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)


@pytest.mark.parametrize("case", cases("stylegan2_discriminator_*"))
@both_precisions
def test_discriminator(case, dtype):
    inputs = case.inputs(dtype)
    network, _ = loaded_discriminator(case.configuration, case, dtype)
    found, size = {}, case.configuration["img_resolution"]

    def keep(name):
        return lambda module, inputs, output: found.update({name: output})

    for index, block in enumerate(network.blocks):
        block.register_forward_hook(keep(f"output.features_after_b{size // 2**index}"))
    network.deviation.register_forward_hook(keep("output.after_minibatch_stddev"))
    found["output.logits"] = network(inputs["image"], labels_of(inputs)).unsqueeze(1)
    case.check(found)


@pytest.mark.parametrize("case", cases("stylegan2_losses*"))
@both_precisions
def test_terms_of_the_game_and_their_gradients(case, dtype):
    """All but the path length, which needs no discriminator."""
    inputs, told, labels = case.inputs(dtype), case.configuration, labels_of(case.inputs(dtype))
    said = {
        name: Case(FOLDER / f"{told[name].removeprefix('as ')}.json").configuration for name in "GD"
    }
    generator = loaded(stylegan2.generator, said["G"], case, dtype, "G").train()
    network, names = loaded_discriminator(said["D"], case, dtype, "D")
    noise = constant_noise(case, dtype, "G")
    fake = generator(inputs["z"], labels, noise=noise)
    of_fake = network(fake, labels)
    term = softplus(-of_fake)
    found = gradients(case, "Gmain", generator, GENERATOR, term.mean())
    found["loss.Gmain.fake_logits"] = of_fake.unsqueeze(1)
    found["loss.Gmain.generator_loss_per_sample"] = term.unsqueeze(1)
    generator.mapping.mean.move()
    found["state_after.Dmain.w_avg"] = generator.mapping.mean.value
    of_fake, of_real = network(fake.detach(), labels), network(inputs["real"], labels)
    term = softplus(of_fake) + softplus(-of_real)
    found |= gradients(case, "Dmain", network, names, term.mean())
    found["loss.Dmain.fake_logits"] = of_fake.unsqueeze(1)
    found["loss.Dmain.real_logits"] = of_real.unsqueeze(1)
    found["loss.Dmain.discriminator_loss_per_sample"] = term.unsqueeze(1)
    context = Context(real=inputs["real"], labels=labels, outputs=network)
    penalty = R1(weight=told["r1_gamma"], interval=1)(context)
    found |= gradients(case, "Dreg", network, names, penalty)
    squares = context.input_gradients("real").square().sum(dim=1)
    found["loss.Dreg.real_logits"] = context.real_logits.unsqueeze(1)
    found["loss.Dreg.r1_penalty_per_sample"] = squares
    found["loss.Dreg.r1_term_per_sample"] = told["r1_gamma"] / 2 * squares
    torch.testing.assert_close(penalty, (told["r1_gamma"] / 2 * squares).mean())
    case.check(found, of=lambda name: ".Greg." not in name)


@pytest.mark.parametrize("row", count_rows("StyleGAN2(-ADA)"))
def test_published_sizes_have_the_published_number_of_parameters(row):
    told = settings(told_of_count(row["configuration"]) | {"num_layers": 8})
    with torch.device("meta"):
        network = discriminator(told)
    assert sum(parameter.numel() for parameter in network.parameters()) == row["discriminator"]
