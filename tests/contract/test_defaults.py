"""A number is written once, in conf/, and parts that are made in Python have it from there."""

import copy
import importlib
import inspect
import re
from functools import cache, partial

import pytest
import torch
from omegaconf import OmegaConf
from torch import Tensor
from torch.optim import Optimizer

from ganzoo.annealing import CosineAnnealing
from ganzoo.composition.compose import build, compose_config, group_choices
from ganzoo.composition.theory import compose_theory
from ganzoo.configs import composed, config_directory, values_in
from ganzoo.defaults import FROM_CONFIG
from ganzoo.metrics.features.networks import NetworkFeatures
from ganzoo.models.gan import GAN
from ganzoo.models.wgan import WGAN
from ganzoo.models.wgan_gp import WGANGP
from ganzoo.networks.latents import Normal
from ganzoo.networks.mlp import MLPDiscriminator, MLPGenerator

# Pictures of the theory and sweeps are what commands make, not parts of anything.
NO_PARTS = ("theory/figure", "theory/config", "hydra", "sweep", "experiment", "trainer")
FILES = sorted(
    name
    for path in config_directory().glob("*/**/*.yaml")
    if not (name := path.relative_to(config_directory()).with_suffix("").as_posix()).startswith(
        NO_PARTS
    )
)


def find(name):
    module, _, last = name.rpartition(".")
    return getattr(importlib.import_module(module), last)


def targets():
    text = "".join((config_directory() / f"{name}.yaml").read_text() for name in FILES)
    return [find(name) for name in sorted(set(re.findall(r"_target_: (ganzoo\.[\w.]+)", text)))]


def defaults_of(part):
    return vars(part).get("__signature__") if isinstance(part, type) else None


PARTS = targets()
WITH_FILES = [part for part in PARTS if getattr(defaults_of(part), "file", "")]
every_part = pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
every_part_with_a_file = pytest.mark.parametrize("part", WITH_FILES, ids=lambda part: part.__name__)

# What a part is made for comes first, by position; optimizers are called as torch's are.
BY_POSITION = {"self", "network", "update_rule", "params", "optimizer", "source"}
AS_IN_TORCH = {"lr", "momentum", "betas"}


@every_part
def test_arguments_are_given_by_name_and_have_no_numbers_of_their_own(part):
    for kind in part.__mro__ if isinstance(part, type) else [part]:
        function = vars(kind).get("__init__") if isinstance(kind, type) else kind
        if not kind.__module__.startswith("ganzoo.") or function is None:
            continue
        free = BY_POSITION | (
            AS_IN_TORCH if isinstance(kind, type) and issubclass(kind, Optimizer) else set()
        )
        for parameter in inspect.signature(inspect.unwrap(function)).parameters.values():
            if parameter.kind is not parameter.VAR_KEYWORD:
                assert parameter.kind is parameter.KEYWORD_ONLY or parameter.name in free
                given = parameter.default in (parameter.empty, FROM_CONFIG)
                assert given or parameter.name == "schedule", (kind, parameter)


EXPORTING = ("losses", "penalties", "augment", "optim", "metrics.features", "metrics")


def package_of(part):
    """The innermost package that exports a part; None for those that are found by their files."""
    inside = [n for n in EXPORTING if part.__module__.startswith(f"ganzoo.{n}.")]
    return max(inside, key=len, default=None)


@pytest.mark.parametrize("package", EXPORTING)
def test_the_package_exports_its_parts(package):
    mine = {part.__name__ for part in PARTS if package_of(part) == package}
    assert mine and mine <= set(importlib.import_module(f"ganzoo.{package}").__all__)


def is_ours(node):
    named = OmegaConf.is_dict(node) and "_target_" in list(node)
    return named and str(node._get_node("_target_")).startswith("ganzoo.")


def parts_of(node):
    """All configs of our own parts inside one."""
    if is_ours(node):
        yield node
    if OmegaConf.is_config(node):
        for key in node if OmegaConf.is_dict(node) else range(len(node)):
            inner = node._get_node(key)
            if OmegaConf.is_config(inner) and not inner._is_interpolation():
                yield from parts_of(inner)


def is_plain(value):
    if isinstance(value, dict):
        return "_target_" not in value and all(map(is_plain, value.values()))
    return not isinstance(value, list) or all(map(is_plain, value))


# How torch does it, which is no number of a paper, and what other files complete.
# Nobody knows the root of a user's own pictures; metrics and latents are chosen in other files.
NO_DEFAULTS = {"foreach", "source", "root", "metrics", "latent_prior"}


@pytest.mark.parametrize("file", FILES)
def test_every_plain_value_in_a_file_is_a_default_of_a_class(file):
    """A new number in conf/ needs ``= FROM_CONFIG`` in its constructor."""
    config = composed(file)
    for node in parts_of(config[file.split("/")[0]]):
        part = find(node._target_)
        if part is CosineAnnealing:  # which stands for a number
            continue
        names = {str(key) for key in node if not str(key).startswith("_")} - NO_DEFAULTS
        plain = {name for name, value in values_in(node, names) if is_plain(value)}
        declared = {
            name for name, parameter in parameters(part).items() if parameter.default is FROM_CONFIG
        }
        # A schedule that ends with the run has no default in Python, where no run is known.
        assert plain - {"schedule"} <= declared, part


def parameters(part):
    if isinstance(part, type):
        return defaults_of(part).parameters if defaults_of(part) else {}
    return inspect.signature(part).parameters


def every(group, *without):
    """A list of choices of a group, as the command line has it."""
    return f"[{','.join(sorted(set(group_choices(group)) - set(without)))}]"


# Files that cannot be chosen by themselves are looked up in a choice that includes them.
CHOSEN_BY = {
    "augment": "augment=[ada,apa,diff_augment,horizontal_flip,input_dropout,instance_noise,shift]",
    "callbacks": f"callbacks={every('callbacks', 'none', 'default')}",
    "dataset/base/arrays": "dataset=cifar10",
    "dataset/base/images": "dataset=image_folder model=semi_supervised_gan",
    "metrics/evaluator": "dataset=image_folder",
    "metrics/features/base": "metrics.features=classifier",
    "metrics/features": f"metrics.features=[{','.join(group_choices('metrics/features'))}]",
    **{
        f"network/discriminator/{form}": f"network=style network.discriminator={form}"
        for form in group_choices("network/discriminator")
        if form.startswith("stylegan2")
    },
    "network/discriminator/pixelgan": "network=unet network.discriminator=pixelgan",
    "network/conditioning/base": "model=conditional_gan network.conditioning=projection",
    "network/conditioning": "model=conditional_gan network.conditioning=embedding",
    "logger": "logger=[csv,wandb]",
    "metrics": f"metrics={every('metrics', 'none')}",
    "penalty/base": "penalty=consistency",
    "penalty": f"penalty={every('penalty', 'none')}",
}
# Groups that do not touch each other share runs: the first choice of each, the second, ...
TOGETHER = {
    group: group.replace("/", ".")
    for group in (
        "augment/replay", "loss", "network/latent", "optimizer", "optimizer/ema",
        "optimizer/gradient_clipping", "optimizer/lookahead", "optimizer/schedule",
        "optimizer/update_rule",
    )
} | {
    "network/batch_statistics": "network.discriminator.batch_statistics",
    "network/normalization": "network.generator_normalization",
}  # fmt: skip
ALL = {place: group_choices(group) for group, place in TOGETHER.items()}


@cache
def composed_by_hydra(*choices):
    overrides = ["run_dir=runs", "run_name=run", "dataset=ring", "model=gan", *choices]
    if "dataset=image_folder" in choices:
        overrides.append("dataset.root=pictures")
    return compose_config(overrides)


def in_a_run(part):
    """The config of a part in a run in which its file is chosen, as Hydra composes it."""
    folder, _, name = defaults_of(part).file.rpartition("/")
    if folder.startswith("theory/"):
        config = compose_theory([f"{folder[7:]}={name}"])[folder[7:]]
        return next(node for node in parts_of(config) if find(node._target_) is part)
    if folder == "projection":
        return compose_config([f"projection={name}"], "project").projection
    places = (f"{folder}/{name}", folder)
    choices = next((CHOSEN_BY[place].split() for place in places if place in CHOSEN_BY), None)
    if folder in TOGETHER:
        number = group_choices(folder).index(name)
        choices = [f"{key}={names[number]}" for key, names in ALL.items() if number < len(names)]
    config = composed_by_hydra(*(choices or [f"{folder.split('/')[0]}={name}"]))
    config = OmegaConf.select(
        config, TOGETHER.get(folder, folder.split("/base")[0].replace("/", "."))
    )
    own = parts_of(config.get(name, config))
    return next(node for node in own if find(node._target_) is part)


OF_NO_RUN = {"model/base/adversarial_term"}  # a part of other people's modules


@every_part_with_a_file
def test_defaults_are_what_a_run_has(part):
    if defaults_of(part).file in OF_NO_RUN:
        pytest.skip("no run has it")
    """Read by our own few lines, and composed by Hydra."""
    defaults, node = defaults_of(part), in_a_run(part)
    values = defaults.values(defaults.declared)
    assert values
    for name, value in values.items():
        theirs = node[name]
        plain = (
            OmegaConf.to_container(theirs, resolve=True) if OmegaConf.is_config(theirs) else theirs
        )
        assert value == plain, name


def described(value):
    """What a part is made of, as plain values."""
    if isinstance(value, Tensor):
        return value.tolist()
    if isinstance(value, partial):
        return [value.func, described(value.keywords)]
    if isinstance(value, dict):
        return {key: described(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [described(item) for item in value]
    if type(value).__module__.startswith("ganzoo."):
        return [type(value), described(vars(value))]
    return value if isinstance(value, int | float | str | None) else type(value)


def needed(part):
    """The arguments that have no default."""
    parameters = inspect.signature(part).parameters.values()
    return {p.name for p in parameters if p.default is p.empty and p.kind is not p.VAR_KEYWORD}


def loads_files(part):
    """Whether a part needs weights, or folders that only the user knows."""
    return issubclass(part, NetworkFeatures) or "root_a" in parameters(part)


MADE_OF_NOTHING = [part for part in WITH_FILES if not needed(part) and not loads_files(part)]


@pytest.mark.parametrize("part", MADE_OF_NOTHING, ids=lambda part: part.__name__)
def test_a_part_made_in_python_is_the_one_of_the_command_line(part):
    torch.manual_seed(0)
    here = part()
    torch.manual_seed(0)
    assert described(here) == described(build(in_a_run(part)))
    assert described(copy.deepcopy(here)) == described(here)


@pytest.mark.parametrize("kind", [WGANGP, WGAN, GAN])
def test_a_model_of_ones_own_networks_has_the_parts_of_its_paper(kind):
    networks = {
        "generator": MLPGenerator(latent_dim=2, shape=[2]),
        "discriminator": MLPDiscriminator(shape=[2]),
        "latent_prior": Normal(latent_dim=2),
    }
    here, theirs = kind(**networks), build(in_a_run(kind), **networks)
    for name in set(vars(here)) | set(here._modules) - set(networks):
        assert described(getattr(here, name)) == described(getattr(theirs, name)), name
