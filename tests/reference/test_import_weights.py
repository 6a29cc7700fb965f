"""The authors' files become checkpoints whose models compute what the authors' networks do."""

import pytest
import torch

import ganzoo
from ganzoo.composition.imported import build_imported, save_untrained
from ganzoo.errors import InputError
from ganzoo.foreign_weights.names import translated
from ganzoo.foreign_weights.r3gan import DISCRIMINATOR, GENERATOR, KERNEL
from ganzoo.foreign_weights.sources import read_imported
from tests.foreign_weights.snapshots import called, dumped, named, persistent, tree
from tests.reference import r3gan, translation
from tests.reference.cases import FOLDER, Case, cases
from tests.reference.stylegan2 import constant_noise, labels_of, settings

FORMATS = FOLDER / "formats"
EXPECTED = "{}_expected.safetensors"
# The largest differences allowed, of the largest number: as in the files' own description of
# float32 on another machine.
CLOSE = {"rtol": 0, "atol": 1e-5}
NOT_HERE = {"biggan": "networks are not here yet", "mimicry": "are not network=resnet"}


def examples(*families):
    paths = [FORMATS / EXPECTED.format(family) for family in families]
    found = [path for path in paths if path.exists()]
    if not found:
        reason = f"no {paths[0]}: set GANZOO_REFERENCE"
        return [pytest.param(None, marks=pytest.mark.skip(reason=reason))]
    return [pytest.param(path.name.split("_")[0], id=path.stem) for path in found]


def files_of(family):
    return sorted(path for path in FORMATS.glob(f"{family}_*") if path.suffix != ".safetensors")


def numbers(family):
    stored = pytest.importorskip("safetensors.torch")
    return stored.load_file(FORMATS / EXPECTED.format(family))


def checkpoint(paths, folder, image_size=None):
    """The model that ``ganzoo.load`` makes of the checkpoint of files."""
    model, _ = build_imported(read_imported(paths), image_size=image_size)
    save_untrained(model, folder / "model.ckpt")
    return ganzoo.load(folder / "model.ckpt")


def check_weights(network, expected, prefix, table):
    """All weights are the expected ones."""
    theirs = {n.removeprefix(prefix): v for n, v in expected.items() if n.startswith(prefix)}
    state, ours = translated(theirs, table, (KERNEL,)), network.state_dict()
    assert state.keys() == ours.keys()
    assert all(torch.equal(state[name], ours[name]) for name in state)


@pytest.mark.parametrize("family", examples("r3gan"))
def test_r3gan(family, tmp_path):
    model, expected = checkpoint(files_of(family), tmp_path), numbers(family)
    averaged = model.ema["generator"].network
    found = averaged(expected["input.z"])
    torch.testing.assert_close(found, expected["output.image"], **CLOSE)
    logits = model.discriminator(expected["input.image"])
    torch.testing.assert_close(logits, expected["output.logits"], **CLOSE)
    check_weights(averaged, expected, "G_ema.", GENERATOR)
    check_weights(model.discriminator, expected, "D.", DISCRIMINATOR)
    torch.testing.assert_close(model(expected["input.z"]), expected["output.image"], **CLOSE)


@pytest.mark.parametrize("family", examples("cyclegan"))
def test_cycle_gan(family, tmp_path):
    expected = numbers(family)
    image = expected["input.image"]
    model = checkpoint(files_of(family), tmp_path, image.shape[-1])
    torch.testing.assert_close(model.a_to_b(image), expected["output.image"], **CLOSE)
    translated = model.translate(image, to="b")
    torch.testing.assert_close(translated, expected["output.image"], **CLOSE)


@pytest.mark.parametrize("family", examples("cyclegan"))
def test_cycle_gan_of_torch_before_version_0_4(family, tmp_path):
    """Its instance normalisation noted statistics that nothing used."""
    expected, (path,) = numbers(family), files_of(family)
    state = torch.load(path, weights_only=True)
    state |= {"model.2.running_mean": torch.zeros(2), "model.2.running_var": torch.ones(2)}
    old = tmp_path / "latest_net_G_A.pth"
    torch.save(state, old, _use_new_zipfile_serialization=False)
    model = checkpoint([old], tmp_path, expected["input.image"].shape[-1])
    found = model.a_to_b(expected["input.image"])
    torch.testing.assert_close(found, expected["output.image"], **CLOSE)


@pytest.mark.parametrize("family", examples(*NOT_HERE))
def test_families_whose_networks_are_not_here(family):
    networks = [path for path in files_of(family) if "optim" not in path.name]
    for path in networks:
        if "state_dict" not in path.name:
            with pytest.raises(InputError, match=NOT_HERE[family]):
                read_imported([path])


def of_losses():
    """The case that has both networks of StyleGAN2."""
    return cases("stylegan2_losses")


def of_generator(told):
    """What the modules of NVIDIA's generator say of themselves, from the words of a case."""
    return {
        "mapping.w_avg_beta": told["w_avg_beta"],
        "mapping.fc0.bias_gain": told["lr_multiplier"],
        f"synthesis.b{told['img_resolution']}.conv1.conv_clamp": told["conv_clamp"],
    }


def of_discriminator(told):
    """What those of the discriminator say."""
    labelled = {"mapping.fc0.bias_gain": told["lr_multiplier"]} if told["c_dim"] else {}
    return labelled | {
        "b4.mbstd.group_size": told.get("mbstd_group_size", 4),
        f"b{told['img_resolution']}.conv1.conv_clamp": told["conv_clamp"],
    }


def said_of(case, name):
    return Case(FOLDER / f"{case.configuration[name].removeprefix('as ')}.json").configuration


@pytest.mark.parametrize("case", of_losses())
@pytest.mark.parametrize("form", ["snapshot", "state dict"])
def test_stylegan2_ada(case, form, tmp_path):
    """Both networks, as in NVIDIA's pickles and as state dicts, whose defaults are the authors'."""
    inputs = case.inputs(torch.float32)
    told = [settings(said_of(case, name)) for name in "GD"]
    states = [case.weights(torch.float32, name) for name in "GD"]
    path = tmp_path / "network.pkl"
    if form == "snapshot":
        generator = tree(states[0], of_generator(told[0]), persistent("Generator"))
        discriminator = tree(states[1], of_discriminator(told[1]), persistent("Discriminator"))
        path.write_bytes(dumped({"G": generator, "D": discriminator, "G_ema": generator}))
    else:
        torch.save(dict(zip(("G_ema", "D"), states, strict=True)), path)
    model = checkpoint([path], tmp_path)
    averaged = model.ema["generator"].network
    labels, noise = labels_of(inputs), constant_noise(case, torch.float32, "G")
    image = averaged(inputs["z"], labels, noise=noise)
    expected = case.tensors
    fake = model.discriminator(image, labels)
    torch.testing.assert_close(fake, expected["loss.Gmain.fake_logits"].squeeze(1), **CLOSE)
    real = model.discriminator(inputs["real"], labels)
    torch.testing.assert_close(real, expected["loss.Dmain.real_logits"].squeeze(1), **CLOSE)


@pytest.mark.parametrize("case", cases("stylegan2_generator_*"))
def test_the_generator_of_stylegan2_with_truncation(case, tmp_path):
    path = tmp_path / "G.pth"
    torch.save(case.weights(torch.float32), path)
    model, inputs = checkpoint([path], tmp_path), case.inputs(torch.float32)
    network, noise = model.ema["generator"].network, constant_noise(case, torch.float32)
    for psi in (0.7, 0.5):
        name = f"output.image_psi_{psi}"
        if name in case.tensors:
            image = network(inputs["z"], labels_of(inputs), truncation=psi, noise=noise)
            torch.testing.assert_close(image, case.tensors[name], **CLOSE)
    image = network(inputs["z"], labels_of(inputs), noise=noise)
    torch.testing.assert_close(image, case.tensors["output.image"], **CLOSE)


@pytest.mark.parametrize("case", cases("stylegan2_discriminator_*"))
def test_discriminators_of_stylegan2_of_all_forms(case, tmp_path):
    """Beside any generator of pictures of their size."""
    discriminator, told = case.weights(torch.float32), settings(case.configuration)
    (other,) = (param.values[0] for param in cases("stylegan2_generator_*"))
    paths = [tmp_path / "G.pth", tmp_path / "D.pth"]
    state = other.weights(torch.float32)
    if "mapping.embed.weight" not in discriminator:
        state = without_labels(state)
    torch.save(state, paths[0])
    made = tree(discriminator, of_discriminator(told), persistent("Discriminator"))
    paths[1].write_bytes(dumped({"D": made}))
    model, inputs = checkpoint(paths, tmp_path), case.inputs(torch.float32)
    logits = model.discriminator(inputs["image"], labels_of(inputs))
    torch.testing.assert_close(logits, case.tensors["output.logits"].squeeze(1), **CLOSE)


def without_labels(state):
    dim = len(state["mapping.embed.weight"])
    kept = {name: value for name, value in state.items() if "embed" not in name}
    return kept | {"mapping.fc0.weight": kept["mapping.fc0.weight"][:, :-dim]}


@pytest.mark.parametrize("case", cases("r3gan_losses_*"))
def test_r3gan_with_and_without_labels(case, tmp_path):
    inputs, path = case.inputs(torch.float32), tmp_path / "file.pth"
    torch.save({name: case.weights(torch.float32, name) for name in "GD"}, path)
    model, labels = checkpoint([path], tmp_path), labels_of(inputs)
    fake = model.discriminator(model.generator(inputs["z"], labels), labels)
    difference = fake - model.discriminator(inputs["real"], labels)
    wanted = case.tensors["loss.generator.relativistic_logits"]
    torch.testing.assert_close(difference, wanted, **CLOSE)


@pytest.mark.parametrize("case", cases("r3gan_generator_uncond"))
def test_r3gan_keeps_its_stages_in_bfloat16(case, tmp_path):
    state, path = case.weights(torch.float32), tmp_path / "file.pkl"
    count = len(r3gan.told(case.configuration, "width"))
    types = {f"Model.MainLayers.{n}.DataType": named("torch.float32") for n in range(count)}
    types[f"Model.MainLayers.{count - 1}.DataType"] = named("torch.bfloat16")
    network = tree(state, types, lambda state: called("training.networks.Generator", state=state))
    path.write_bytes(dumped({"G": network}))
    assert checkpoint([path], tmp_path).generator.bfloat16_sizes == 1


PARTS = {
    "pix2pix_training_pass": {"G": "generator", "D": "discriminator"},
    "cyclegan_training_pass": {
        "G_A": "a_to_b",
        "G_B": "b_to_a",
        "D_A": "discriminator_b",
        "D_B": "discriminator_a",
    },
}


@pytest.mark.parametrize("case", cases(*PARTS))
def test_all_networks_of_translation(case, tmp_path):
    """Each in a file of its own, whose names say which it is."""
    inputs = case.inputs(torch.float32)
    paths = []
    for name in PARTS[case.name]:
        paths.append(tmp_path / f"latest_net_{name}.pth")
        torch.save(case.weights(torch.float32, name), paths[-1])
    size = inputs["A"].shape[-1]
    model = checkpoint(paths, tmp_path, size).eval()
    channels = {"G": {"input_nc": inputs["A"].shape[1]}}
    channels["D"] = {"input_nc": inputs["A"].shape[1] + inputs["B"].shape[1]}
    for name, part in PARTS[case.name].items():
        network, _ = translation.loaded(
            case,
            torch.float32,
            case.configuration[name[0]],
            inputs["A"],
            name,
            **channels.get(name, {}),
        )
        ours = getattr(model, part)
        network.eval()
        for value, other in zip(
            network.state_dict().values(), ours.state_dict().values(), strict=True
        ):
            assert torch.equal(value, other)
        given = inputs["A"]
        if name == "D":
            given = torch.cat([inputs["A"], inputs["B"]], dim=1)
        assert torch.equal(ours(given), network(given))


@pytest.mark.parametrize("case", cases("cyclegan_resnet_*", "pix2pix_unet_*"))
def test_generators_of_translation_by_themselves(case, tmp_path):
    image = case.inputs(torch.float32)["image"]
    path = tmp_path / "horse2zebra.pth"
    torch.save(case.weights(torch.float32), path)
    model = checkpoint([path], tmp_path, image.shape[-1])
    expected = case.tensors["output.eval"]
    torch.testing.assert_close(model.translate(image, to="b"), expected, **CLOSE)
