"""Sample from a checkpoint: ``python -m ganzoo.sample checkpoint=PATH n=64 output=DIR``."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from ganzoo.composition.compose import composed_once
from ganzoo.composition.entry import run
from ganzoo.composition.overrides import overrides_of_this_run, parse
from ganzoo.composition.settings import check_checkpoint, check_kinds, check_known
from ganzoo.errors import InputError, check_whole, nearest

CONFIG = "sample"
FORMATS = ("png", "npz")
WEIGHTS = ("averaged", "raw")
OF_PICTURES = {"images", "to", "image_size"}
OF_BOTH = {"checkpoint", "output", "weights", "trusted", "hydra"}

PictureFunction = Callable[[Any], Any]
"""From pictures ``[N, C, H, W]`` in [-1, 1] to others."""


def sample(config: DictConfig) -> None:
    """Write samples of a checkpoint's model as the config asks.

    Args:
        config: A composed config, see ``conf/sample.yaml``.

    Raises:
        InputError: if a setting has no such choice, the checkpoint cannot be used, the labels do
            not fit, or the folder cannot be written.
    """
    check_known(config, CONFIG)
    check_kinds(config, overrides_of_this_run(), CONFIG)
    if config.checkpoint is None or config.output is None:
        raise InputError("checkpoint=PATH and output=FOLDER must be given")
    checkpoint = Path(str(config.checkpoint)).expanduser()
    folder = Path(str(config.output)).expanduser()
    check_checkpoint(checkpoint)
    _check_values(config)
    from ganzoo.composition.loading import load
    from ganzoo.sampling.latents import LatentSampler

    model = load(checkpoint, trusted=list(config.trusted))
    of_latents = isinstance(model, LatentSampler) and config.images is None
    written = (_of_latents if of_latents else _of_pictures)(config, model, folder)
    print("\n".join(map(str, written)))


def _check_values(config: DictConfig) -> None:
    from ganzoo.export import INTERPOLATIONS

    _check_choice("format", config.format, FORMATS)
    _check_choice("weights", config.weights, WEIGHTS)
    if config.interpolation is not None:
        _check_choice("interpolation", config.interpolation, tuple(INTERPOLATIONS))
    check_whole(n=config.n, steps=config.steps, columns=config.columns)
    check_whole(batch_size=config.batch_size, milliseconds=config.milliseconds)
    check_whole(0, seed=config.seed)
    given = [str(parse(word).key_or_group) for word in overrides_of_this_run()]
    if config.images is None:
        _check_none(given, OF_PICTURES, "of pictures that a model is given: add images=FOLDER")
    else:
        others = set(map(str, composed_once((), CONFIG))) - OF_PICTURES - OF_BOTH
        _check_none(given, others, "of samples from latents: leave it out, or images=")


def _check_none(given: Sequence[str], unused: set[str], why: str) -> None:
    """Refuse a setting that would have no effect."""
    for name in sorted(unused.intersection(given)):
        raise InputError(f"{name}= is {why}")


def _of_latents(config: DictConfig, model: Any, folder: Path) -> list[Path]:
    """Write samples, or ways between latents."""
    from ganzoo import export

    request = export.Request(
        n=config.n,
        labels=_plain(config.labels),
        seed=config.seed,
        truncation=config.truncation,
        averaged=config.weights == "averaged",
        batch_size=config.batch_size,
    )
    if config.interpolation is not None:
        way = export.INTERPOLATIONS[config.interpolation]
        frames = request.path_between_latents(model, way, config.steps)
        _make(folder)
        return export.save_interpolation(frames, folder, config.steps, config.milliseconds)
    samples, labels = request.draw(model)
    _make(folder)
    if config.format == "npz":
        return export.save_npz(samples, labels, folder, model.class_names)
    return export.save_pictures(samples, folder, config.columns, labels, model.class_names)


def _of_pictures(config: DictConfig, model: Any, folder: Path) -> list[Path]:
    """Write what a model makes of a folder of pictures: translations, or reconstructions."""
    from ganzoo.picture_folders import map_pictures

    if config.images is None:
        raise InputError(f"{type(model).__name__} makes pictures of pictures: write images=FOLDER")
    function, channels, image_size = _picture_function(config, model)
    return map_pictures(
        function,
        Path(str(config.images)).expanduser(),
        folder,
        channels=channels,
        image_size=image_size if config.image_size is None else _plain(config.image_size),
    )


def _picture_function(config: DictConfig, model: Any) -> tuple[PictureFunction, int, Any]:
    """What a model makes of pictures, their channels, and their size; None for any."""
    from ganzoo.sampling.reconstruction import Reconstructs
    from ganzoo.sampling.translation import OTHER, Translator

    name, averaged = type(model).__name__, config.weights == "averaged"
    shape = model.configuration["dataset"]["shape"]
    if isinstance(model, Translator):
        to = max(model.translators()) if config.to is None else str(config.to)
        model.translator(to, averaged=averaged)  # says which domains there are
        translate = partial(model.translate, to=to, averaged=averaged)
        return translate, model.shapes[OTHER[to]][0], None
    if config.to is not None:
        raise InputError(f"to= is for models that translate, not for {name}")
    if not isinstance(model, Reconstructs):
        raise InputError(f"images= is for models that translate or reconstruct, not for {name}")
    channels, *image_size = shape
    if not image_size:
        raise InputError("images= is for models of pictures, and this one is of points")
    return partial(model.reconstruct, averaged=averaged), channels, image_size


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise InputError(f"unknown {name} {value!r}: {nearest(str(value), choices)}")


def _plain(labels: ListConfig | Any) -> Any:
    return OmegaConf.to_object(labels) if isinstance(labels, ListConfig) else labels


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror}") from error


def main() -> None:
    """Entry point of the command line."""
    run(sample, CONFIG)


if __name__ == "__main__":
    main()
