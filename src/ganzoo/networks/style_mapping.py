"""From latents, and labels, to styles: the mapping network of StyleGAN.

Karras et al. 2019 (arXiv 1812.04948), section 2, with the settings of StyleGAN2 (arXiv 1912.04958)
and the labels of its version with adaptive augmentation (arXiv 2006.06676).
"""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import InputError, check_positive, check_whole
from ganzoo.networks.equalized import EqualizedLinear, leaky_relu, normalized
from ganzoo.networks.label_codes import one_hot
from ganzoo.precision import KeptInFloat32
from ganzoo.strategies.across_devices import mean_across_devices


class StyleMapping(nn.Module):
    """Linear layers with leaky ReLU from latents to a style, which is repeated for all layers.

    Latents are divided by the root of their mean square; so is a linear code of the label, which
    is joined to them.

    The mean of all styles, the centre of truncation, follows the batches of the generator's own
    steps, all samples of a step on all devices at once. In a training loop of one's own call
    ``mean.move()`` after each step. Departure: the authors' mean follows each training pass, or
    those of the discriminator's steps alone, which have the same styles on average.

    Args:
        latent_dim: Z.
        style_dim: W.
        copies: L, the synthesis's number of styles.
        layers: Linear layers, at least 1.
        num_classes: K; None without labels.
        lr_multiplier: Of all layers but the label's, positive.
        negative_slope: Of leaky ReLU.
        mean_decay: Share of the past in the mean of styles, in [0, 1).

    Raises:
        InputError: if a number is out of range.
    """

    def __init__(
        self,
        *,
        latent_dim: int,
        style_dim: int,
        copies: int,
        layers: int,
        num_classes: int | None,
        lr_multiplier: float,
        negative_slope: float,
        mean_decay: float,
    ) -> None:
        super().__init__()
        check_whole(latent_dim=latent_dim, style_dim=style_dim, mapping_layers=layers)
        check_positive(lr_multiplier=lr_multiplier)
        self.num_classes, self.copies = num_classes, copies
        self.negative_slope = negative_slope
        widths = [latent_dim, *[style_dim] * layers]
        if num_classes is not None:
            check_whole(num_classes=num_classes)
            self.label_code = EqualizedLinear(num_classes, style_dim)
            widths[0] += style_dim
        self.layers = nn.ModuleList(
            EqualizedLinear(*pair, lr_multiplier=lr_multiplier) for pair in pairwise(widths)
        )
        self.mean = StyleMean(style_dim, decay=mean_decay)

    def forward(
        self,
        latents: Tensor,
        labels: Tensor | None = None,
        *,
        truncation: float | None = None,
        cutoff: int | None = None,
    ) -> Tensor:
        """Map latents [B, Z] and labels [B] to styles [B, L, W].

        Args:
            latents: As above.
            labels: Classes, of a network that has any.
            truncation: psi in [0, 1]: styles keep so much of their way from the mean.
            cutoff: Truncate the first so many of the L copies; None truncates all.

        Raises:
            InputError: if labels are missing, not wanted or out of range, or psi is.
        """
        features = normalized(latents)
        if (code := self._label_code(labels)) is not None:
            features = torch.cat([features, normalized(code)], dim=1)
        for layer in self.layers:
            features = leaky_relu(layer(features), self.negative_slope)
        if self.training and features.requires_grad:
            self.mean.note(features)
        styles = features[:, None].expand(-1, self.copies, -1)
        if truncation is None:
            return styles
        near = self.mean.interpolate(styles[:, :cutoff], truncation)
        return torch.cat([near, styles[:, near.shape[1] :]], dim=1)

    def after_step(self, player: Any) -> None:
        """Let the mean follow, where it was the step of the player whose network this is."""
        mine = self.layers[0].weight
        if any(parameter is mine for parameter in player.parameters):
            self.mean.move()

    def begin_iteration(self, progress: Any) -> None:
        """Forget styles of passes that no step came from."""
        self.mean.forget()

    def _label_code(self, labels: Tensor | None) -> Tensor | None:
        if self.num_classes is None:
            if labels is not None:
                raise InputError("this generator was built without num_classes and takes no labels")
            return None
        if labels is None:
            raise InputError(f"this generator has {self.num_classes} classes and needs labels [B]")
        weight = self.label_code.weight
        code: Tensor = self.label_code(one_hot(labels, self.num_classes).to(weight.dtype))
        return code


class StyleMean(KeptInFloat32):
    """The moving mean of styles, 0 at first.

    Args:
        style_dim: W.
        decay: Share of the past, in [0, 1).

    Attributes:
        value: [W].

    Raises:
        InputError: if the decay is out of range.
    """

    value: Tensor

    def __init__(self, style_dim: int, *, decay: float) -> None:
        super().__init__()
        if not 0 <= decay < 1:
            raise InputError(f"mean_decay must be at least 0 and below 1, not {decay}")
        self.decay = decay
        self.register_buffer("value", torch.zeros(style_dim))
        self._sum: Any = 0.0
        self._count = 0

    def note(self, styles: Tensor) -> None:
        """Count styles [B, W] among those of the step that is being computed."""
        self._sum = self._sum + styles.detach().sum(dim=0, dtype=self.value.dtype)
        self._count += len(styles)

    def forget(self) -> None:
        """Count none."""
        self._sum, self._count = 0.0, 0

    @torch.no_grad()
    def move(self) -> None:
        """Go towards the mean of the step's styles, if there were any."""
        if self._count:
            (mean,) = mean_across_devices([self._sum / self._count])
            self.value.lerp_(mean, 1 - self.decay)
        self.forget()

    def interpolate(self, styles: Tensor, share: float) -> Tensor:
        """Go from the mean to styles [B, L, W], a share of the way.

        Raises:
            InputError: if the share is not in [0, 1].
        """
        if not 0 <= share <= 1:
            raise InputError(f"truncation of styles must be at least 0 and at most 1, not {share}")
        return torch.lerp(self.value.to(styles.dtype), styles, share)
