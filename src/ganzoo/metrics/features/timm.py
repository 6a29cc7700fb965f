"""Features of any model of the package timm, by name."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, nearest
from ganzoo.metrics.features.networks import IMAGENET_DEVIATION, IMAGENET_MEAN, NetworkFeatures
from ganzoo.metrics.packages import (
    import_package,
    own_random_state,
    read_weights,
    weights_that_fit,
)
from ganzoo.metrics.resizing import Resizing, to_levels


@defaults_from("metrics/features/timm")
class TimmFeatures(NetworkFeatures):
    """The pooled output before the classifier of a model of timm, normalized as it was trained.

    Args:
        model: Its name in timm, as ``vit_base_patch14_dinov2.lvd142m``.
        weights: File of a state dict in timm's names; the classifier's entries are not needed.
            None lets timm download the pretrained weights of that name, or take them from its
            cache.
        resizing: To the size that the model is to be used at.

    Raises:
        InputError: if timm is not installed, has no such model, or its weights are not there.
    """

    def __init__(
        self,
        *,
        model: str = FROM_CONFIG,
        weights: str | None = FROM_CONFIG,
        resizing: Resizing = FROM_CONFIG,
    ) -> None:
        timm = import_package("timm", extra="timm")
        if not timm.is_model(model):
            names = timm.list_models() + timm.list_pretrained()
            raise InputError(f"timm has no model {model!r}: {nearest(model, names)}")
        network = _create(timm, model, weights, size=resizing.size)
        settings = network.pretrained_cfg
        super().__init__(
            name=model,
            trunk=network,
            dimension=network.num_features,
            resizing=resizing,
            mean=[255 * value for value in settings.get("mean", IMAGENET_MEAN)],
            deviation=[255 * value for value in settings.get("std", IMAGENET_DEVIATION)],
        )

    def feature_maps(self, images: Tensor) -> Sequence[Tensor]:
        """Compute what timm calls intermediates: stages of a network, blocks of a transformer."""
        intermediates = getattr(self.trunk, "forward_intermediates", None)
        if intermediates is None:
            return super().feature_maps(images)
        levels = self._normalized(to_levels(images))
        maps: list[Tensor] = intermediates(levels, intermediates_only=True)
        return maps


def _create(timm: Any, model: str, weights: str | None, *, size: int) -> Any:
    """Build the network without classifier, for images of this size where it has one of its own."""
    options: dict[str, Any] = {"num_classes": 0}
    with own_random_state():
        settings = timm.models.get_pretrained_cfg(model)
        if settings is not None and settings.fixed_input_size:
            options["img_size"] = size
        if weights is None:
            return _pretrained(timm, model, options)
        network = timm.create_model(model, **options)
        head = network.pretrained_cfg.get("classifier") or "head"
        with weights_that_fit(weights):
            network.load_state_dict(_without(read_weights(weights), head))
    return network


def _pretrained(timm: Any, model: str, options: dict[str, Any]) -> Any:
    try:
        return timm.create_model(model, pretrained=True, **options)
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(
            f"the weights of {model} could not be downloaded ({reason}): "
            "get their file where there is a network, and set it as weights, "
            "as in metrics.features.timm.weights=PATH"
        ) from None


def _without(state: dict[str, Any], heads: str | tuple[str, ...]) -> dict[str, Any]:
    """Leave out the classifier's entries."""
    names = (heads,) if isinstance(heads, str) else tuple(heads)
    prefixes = tuple(f"{name}." for name in names)
    return {name: value for name, value in state.items() if not name.startswith(prefixes)}
