"""Find a picture: ``python -m ganzoo.project checkpoint=PATH image=PICTURE output=FOLDER``."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from ganzoo.composition.completion import PROJECTION, completed_projection
from ganzoo.composition.entry import run
from ganzoo.composition.overrides import overrides_of_this_run
from ganzoo.composition.settings import check_checkpoint, check_kinds
from ganzoo.errors import InputError, check_positive, check_whole, nearest

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.projection import PictureDistance

WEIGHTS = ("averaged", "raw")


def project(config: DictConfig) -> None:
    """Look for the point of a generator whose picture is nearest to a given one.

    Args:
        config: A composed config, see ``conf/project.yaml``.

    Raises:
        InputError: if a setting is wrong, the checkpoint or the picture cannot be used, or the
            folder cannot be written; then nothing is written.
    """
    check_kinds(config, overrides_of_this_run(), PROJECTION)
    _check_values(config)
    check_checkpoint(Path(str(config.checkpoint)).expanduser())
    from ganzoo.composition.compose import build
    from ganzoo.projection import Frames, search_space

    search, model = build(config.projection), _model(config)
    distance, averaged = _distance(config, model), config.weights == "averaged"
    space = search_space(
        model,
        distance,
        label=config.label,
        draws=config.draws,
        candidates=config.candidates,
        seed=config.seed,
        averaged=averaged,
    )
    frames = Frames(distance.target, search.steps, config.frames)
    found = search.find(space, distance, seed=config.seed, averaged=averaged, shown=frames)
    folder = Path(str(config.output)).expanduser()
    written = frames.save(found.picture(model), folder, config.milliseconds)
    written.append(found.save(folder / "projection.pt"))
    print(f"distance {found.before:.4g} -> {found.after:.4g} in {search.steps} steps")
    print("\n".join(map(str, written)))


def _model(config: DictConfig) -> Any:
    from ganzoo.composition.loading import load
    from ganzoo.evaluation.environment import choose_device
    from ganzoo.projection.spaces import check_makes_pictures

    path = Path(str(config.checkpoint)).expanduser()
    model = load(path, trusted=list(config.trusted))
    check_makes_pictures(model)
    return model.to(choose_device(config.device))


def _distance(config: DictConfig, model: Any) -> "PictureDistance":
    from ganzoo.composition.compose import build
    from ganzoo.projection import PictureDistance

    return PictureDistance(
        _target(config, model),
        [build(node) for node in config.metrics.features.values()],
        pixel_weight=config.pixel_weight,
        largest_size=config.largest_size,
    )


def _target(config: DictConfig, model: Any) -> "Tensor":
    """The picture ``[1, C, H, W]`` that is looked for."""
    from ganzoo.picture_folders import read_picture

    path = Path(str(config.image)).expanduser()
    if not path.is_file():
        raise InputError(f"there is no picture at image={path}")
    channels, *size = model.configuration["dataset"]["shape"]
    try:
        picture = read_picture(path, channels, size if config.resize else None)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    if list(picture.shape[1:]) != size:
        theirs, wanted = ("x".join(map(str, one)) for one in (picture.shape[1:], size))
        raise InputError(
            f"{path} has {theirs} pixels and the model's pictures have {wanted}: add resize=true "
            "to cut and resize it"
        )
    return picture[None].to(model.device)


def _check_values(config: DictConfig) -> None:
    for name in ("checkpoint", "image", "output"):
        if config[name] is None:
            raise InputError("checkpoint=PATH, image=PICTURE and output=FOLDER must be given")
    if config.weights not in WEIGHTS:
        raise InputError(f"unknown weights {config.weights!r}: {nearest(config.weights, WEIGHTS)}")
    check_whole(draws=config.draws, candidates=config.candidates, frames=config.frames)
    check_whole(largest_size=config.largest_size)
    check_whole(0, seed=config.seed)
    check_positive(milliseconds=config.milliseconds)


def main() -> None:
    """Entry point of the command line."""
    run(project, PROJECTION, complete=completed_projection)


if __name__ == "__main__":
    main()
