"""From the config of an evaluation to its objects."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.hydra_config import HydraConfig
from hydra.utils import get_object
from omegaconf import DictConfig, open_dict

from ganzoo.composition.completion import paths
from ganzoo.composition.compose import build
from ganzoo.errors import InputError, check_whole

if TYPE_CHECKING:
    from ganzoo.evaluation.measuring import Evaluation
    from ganzoo.evaluation.stored import Stored
    from ganzoo.evaluation.subjects import Subject


def build_evaluation(config: DictConfig) -> "Evaluation":
    """Build what a composed config describes, up to the first computation.

    Raises:
        InputError: if a setting is wrong, something cannot be read, or generated samples have
            another shape than real ones.
    """
    from ganzoo.evaluation.environment import choose_device
    from ganzoo.evaluation.measuring import Evaluation, check_shapes

    _check(config)
    device = choose_device(config.device)
    stored = _read_stored(config)
    real, fake = stored.get("real"), stored.get("fake")
    subjects = _subjects(config, fake)
    if real is not None:
        with open_dict(config):
            config.dataset.shape = list(real.samples.shape[1:])
    check_shapes(subjects, list(config.dataset.shape))
    return Evaluation(
        evaluator=_evaluator(config, real, fake),
        data=_real_data(config, real),
        subjects=subjects,
        seeds=range(config.seed, config.seed + config.seeds),
        device=device,
    )


def describe_real(config: DictConfig) -> dict[str, Any]:
    """What a record says of the real side."""
    from ganzoo.composition.create import plain_settings

    if config.real is not None:
        return {"path": str(Path(str(config.real)).expanduser().resolve())}
    return {
        "dataset": HydraConfig.get().runtime.choices["dataset"],
        "source": config.dataset.datamodule.source._target_,
        "split": _split(config),
        "shape": list(config.dataset.shape),
        "settings": plain_settings(config.dataset),
    }


def _split(config: DictConfig) -> str:
    from ganzoo.data.source import Distribution

    source = get_object(config.dataset.datamodule.source._target_)
    if isinstance(source, type) and issubclass(source, Distribution):
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
    if config.fake is not None and config.seeds > 1:
        raise InputError(
            f"seeds={config.seeds} needs a generator, stored samples are always the same: "
            "evaluate a checkpoint, or leave seeds out"
        )
    if not config.metrics:
        raise InputError("there are no metrics: choose some, such as metrics=[fid,prdc]")


def _read_stored(config: DictConfig) -> dict[str, "Stored"]:
    from ganzoo.evaluation.stored import read_stored

    names = [name for name in ("real", "fake") if config[name] is not None]
    found = read_stored(*(Path(str(config[name])).expanduser() for name in names))
    return dict(zip(names, found, strict=True))


def _subjects(config: DictConfig, fake: "Stored | None") -> "list[Subject]":
    from ganzoo.evaluation.checkpoints import find_checkpoints
    from ganzoo.evaluation.subjects import ModelOfCheckpoint, StoredSubject

    if fake is not None:
        return [StoredSubject(fake)]
    found = find_checkpoints(paths(config.checkpoint))
    return [ModelOfCheckpoint(checkpoint, list(config.trusted)) for checkpoint in found]


def _evaluator(config: DictConfig, real: "Stored | None", fake: "Stored | None") -> Any:
    """The evaluator, with as many samples as there are where no number is asked for."""
    samples, real_samples = config.evaluator.samples, config.evaluator.real_samples
    if samples is None:
        samples = config.dataset.evaluation_samples if fake is None else len(fake.samples)
    if real_samples is None and real is not None:
        real_samples = len(real.samples)
    if config.bootstrap.resamples:
        _bootstrap(config)
    return build(config.evaluator, samples=samples, real_samples=real_samples)


def _real_data(config: DictConfig, real: "Stored | None") -> Any:
    from ganzoo.evaluation.stored import StoredReal

    return StoredReal(real) if real else build(config.dataset.datamodule)


def _bootstrap(config: DictConfig) -> None:
    """Wrap the metrics whose values depend on which samples there are."""
    chosen = [name for name, node in config.metrics.items() if _can_be_resampled(node)]
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
