"""Sample from a checkpoint: ``python -m ganzoo.sample checkpoint=PATH n=64 output=DIR``."""

from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from ganzoo.composition.entry import run
from ganzoo.composition.overrides import of_this_run
from ganzoo.composition.settings import check_checkpoint, check_kinds, check_known
from ganzoo.errors import InputError, check_whole, nearest

CONFIG = "sample"
FORMATS = ("png", "npz")
WEIGHTS = ("averaged", "raw")


def sample(config: DictConfig) -> None:
    """Write samples of a checkpoint's model as the config asks.

    Args:
        config: A composed config, see ``conf/sample.yaml``.

    Raises:
        InputError: if a setting has no such choice, the checkpoint cannot be used, the labels do
            not fit, or the folder cannot be written.
    """
    check_known(config, CONFIG)
    check_kinds(config, of_this_run(), CONFIG)
    if config.checkpoint is None or config.output is None:
        raise InputError("checkpoint=PATH and output=FOLDER must be given")
    checkpoint = Path(str(config.checkpoint)).expanduser()
    folder = Path(str(config.output)).expanduser()
    check_checkpoint(checkpoint)
    from ganzoo import export
    from ganzoo.composition.loading import load
    from ganzoo.sampling.latents import LatentSampler
    from ganzoo.sampling.translation import Translator

    _check_choice("format", config.format, FORMATS)
    _check_choice("weights", config.weights, WEIGHTS)
    if config.interpolation is not None:
        _check_choice("interpolation", config.interpolation, tuple(export.INTERPOLATIONS))
    check_whole(n=config.n, steps=config.steps, columns=config.columns)
    check_whole(batch_size=config.batch_size, milliseconds=config.milliseconds)
    check_whole(0, seed=config.seed)
    model = load(checkpoint, trusted=list(config.trusted))
    if isinstance(model, Translator) or config.images is not None:
        _translate(config, model, folder)
        return
    if not isinstance(model, LatentSampler):
        raise InputError(f"{checkpoint} is of a {type(model).__name__}, which draws no samples")
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
        files = export.save_interpolation(frames, folder, config.steps, config.milliseconds)
    else:
        samples, labels = request.draw(model)
        _make(folder)
        if config.format == "npz":
            files = export.save_npz(samples, labels, folder, model.class_names)
        else:
            names = model.class_names
            files = export.save_pictures(samples, folder, config.columns, labels, names)
    print("\n".join(str(path) for path in files))


def _translate(config: DictConfig, model: Any, folder: Path) -> None:
    """Translate a folder of pictures, with a model that does."""
    from ganzoo.sampling.translation import Translator
    from ganzoo.translation import translate_folder

    if not isinstance(model, Translator):
        raise InputError(f"images= is for models that translate, not for {type(model).__name__}")
    if config.images is None:
        raise InputError(
            f"{type(model).__name__} translates pictures: write images=FOLDER, to=a or to=b"
        )
    pictures = Path(str(config.images)).expanduser()
    if not pictures.is_dir():
        raise InputError(f"images={config.images} is no folder")
    to = max(model.translators()) if config.to is None else str(config.to)
    written = translate_folder(
        model, pictures, folder, to=to, averaged=config.weights == "averaged"
    )
    print("\n".join(str(path) for path in written))


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
