"""From the config of an evaluation to its objects."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.hydra_config import HydraConfig
from hydra.utils import get_object
from omegaconf import DictConfig, open_dict

from ganzoo.composition.completion import paths_in
from ganzoo.composition.compose import build
from ganzoo.configs import without_groups
from ganzoo.errors import InputError, check_whole

if TYPE_CHECKING:
    from ganzoo.evaluation.checkpoints import Checkpoint
    from ganzoo.evaluation.job import EvaluationJob
    from ganzoo.evaluation.stored import StoredSamples


def build_job(config: DictConfig) -> "EvaluationJob":
    """Build the evaluation that a composed config describes, up to the first computation.

    Raises:
        InputError: if a setting is wrong, something cannot be read, or generated samples have
            another shape than real ones.
    """
    from ganzoo.evaluation.environment import choose_device
    from ganzoo.evaluation.job import EvaluationJob
    from ganzoo.evaluation.sources import check_shapes

    _check(config)
    device = choose_device(config.device)
    checkpoints = _checkpoints(config)
    data: Any = None if config.real is not None else _data_set(config)
    real, fake = _read_stored(config, checkpoints, data)
    if real is not None:
        with open_dict(config):
            config.dataset.shape = list(real.samples.shape[1:])
    sources = checkpoints if fake is None else [fake]
    check_shapes(sources, list(config.dataset.shape))
    return EvaluationJob(
        evaluator=_evaluator(config, real, fake),
        data=data if real is None else real,
        sources=sources,
        seeds=range(config.seed, config.seed + config.seeds),
        device=device,
    )


def describe_real(config: DictConfig, data: Any) -> dict[str, Any]:
    """What a report says of the real side.

    Args:
        config: What the evaluation was composed of.
        data: The real side, after it was measured.
    """
    from ganzoo.composition.create import plain_settings

    if config.real is not None:
        return data.protocol()  # type: ignore[no-any-return]
    source = getattr(data, "source", data)
    conversions = getattr(source, "conversions", None)
    converted = conversions.plain() if conversions is not None else {}
    return {
        "dataset": HydraConfig.get().runtime.choices["dataset"],
        "source": f"{type(source).__module__}.{type(source).__qualname__}",
        "split": _split(config, source),
        "shape": list(config.dataset.shape),
        "settings": plain_settings(config.dataset),
    } | ({"conversions": converted} if converted else {})


def _split(config: DictConfig, source: Any) -> str:
    from ganzoo.data.source import Distribution

    if isinstance(source, Distribution):
        return "fresh samples"
    return str(config.dataset.get("split", "train"))


def _check(config: DictConfig) -> None:
    if (config.checkpoint is None) == (config.fake is None):
        raise InputError("give either checkpoint=PATH or fake=PATH: what is to be evaluated")
    check_whole(seeds=config.seeds)
    check_whole(0, seed=config.seed, resamples=config.bootstrap.resamples)
    check_whole(queries=config.figures.queries, neighbors=config.figures.neighbors)
    if config.samples is not None:
        check_whole(samples=config.samples)
    if config.image_size is not None and config.fake is None:
        raise InputError(
            "image_size is the size of fake= and real=; real pictures come in the size of a "
            "checkpoint's samples: leave it out"
        )
    if config.fake is not None and config.seeds > 1:
        raise InputError(
            f"seeds={config.seeds} needs a generator, stored samples are always the same: "
            "evaluate a checkpoint, or leave seeds out"
        )
    if not without_groups("metrics", _root_=config):
        raise InputError("there are no metrics: choose some, such as metrics=[fid,prdc]")


def _checkpoints(config: DictConfig) -> "list[Checkpoint]":
    from ganzoo.composition.loading import load
    from ganzoo.evaluation.checkpoints import find_checkpoints

    if config.checkpoint is None:
        return []
    return find_checkpoints(
        paths_in(config.checkpoint), partial(load, trusted=list(config.trusted))
    )


def _data_set(config: DictConfig) -> Any:
    """The data module of the config.

    Raises:
        InputError: if it cannot tell real samples.
    """
    data = build(config.dataset.datamodule)
    if not hasattr(data, "real"):
        raise InputError(
            f"{type(data).__name__} has no method real(count, seed), which gives real samples to "
            "compare with: set real=PATH"
        )
    return data


def _read_stored(
    config: DictConfig, checkpoints: "list[Checkpoint]", data: Any
) -> "tuple[StoredSamples | None, StoredSamples | None]":
    """Real and generated samples that are stored, the real ones in the generated ones' shape."""
    from ganzoo.data.checks import picture_shape
    from ganzoo.evaluation.reading import read_stored
    from ganzoo.evaluation.stored import with_labels

    size = config.image_size
    if size is not None:
        size = picture_shape(channels=1, image_size=size)[1:]
    found: dict[str, StoredSamples] = {}
    shape: Any = checkpoints[0].shape if checkpoints else None
    for name in ("fake", "real"):
        if config[name] is not None:
            path = Path(str(config[name])).expanduser()
            found[name] = read_stored(path, shape=shape, size=size)
            shape = found[name].shape
        shape = shape if shape and len(shape) == 3 else None  # points have no channels
    names = checkpoints[0].class_names if checkpoints else _class_names(found, data)
    stored = dict(zip(found, with_labels(list(found.values()), names), strict=True))
    return stored.get("real"), stored.get("fake")


def _class_names(found: "dict[str, StoredSamples]", data: Any) -> Any:
    """The names that a data set has for its classes, where stored samples have any."""
    if data is None or not any(stored.classes for stored in found.values()):
        return None
    data.prepare_data()
    data.setup()
    return getattr(getattr(data, "source", None), "class_names", None)


def _evaluator(
    config: DictConfig, real: "StoredSamples | None", fake: "StoredSamples | None"
) -> Any:
    """The evaluator, with as many samples as there are where no number is asked for."""
    described = config.metrics.evaluator
    samples, real_samples = described.samples, described.real_samples
    if samples is None:
        samples = config.dataset.evaluation_samples if fake is None else len(fake.samples)
    if real_samples is None and real is not None:
        real_samples = len(real.samples)
    if config.bootstrap.resamples:
        _bootstrap(config)
    return build(described, samples=samples, real_samples=real_samples)


def _bootstrap(config: DictConfig) -> None:
    """Wrap the metrics whose values depend on which samples there are."""
    metrics = without_groups("metrics", _root_=config)
    chosen = [name for name, node in metrics.items() if _can_be_resampled(node)]
    if not chosen:
        raise InputError("none of these metrics can be bootstrapped: set bootstrap.resamples=0")
    with open_dict(config):
        for name in chosen:
            config.metrics[name] = {
                "_target_": "ganzoo.metrics.bootstrap.Bootstrap",
                "metric": config.metrics[name],
                "resamples": config.bootstrap.resamples,
                "confidence": config.bootstrap.confidence,
                "seed": config.seed,
            }


def _can_be_resampled(node: DictConfig) -> bool:
    """Not what looks at the generator alone, or trains for each value."""
    from ganzoo.metrics import ClassificationAccuracy, PerceptualPathLength
    from ganzoo.metrics.samples import TwoSampleMetric

    found = get_object(node._target_)
    return (
        isinstance(found, type)
        and issubclass(found, TwoSampleMetric)
        and not issubclass(found, (ClassificationAccuracy, PerceptualPathLength))
    )
