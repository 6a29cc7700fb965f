"""Models that make samples from latents."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from ganzoo.errors import InputError, check_positive
from ganzoo.game.averaging import MovingAverage
from ganzoo.game.evaluating import evaluating
from ganzoo.game.own_parts import check_kind
from ganzoo.metrics.real_data import RealData
from ganzoo.networks.noise import SeededNoise
from ganzoo.sampling.class_names import Labels, class_names
from ganzoo.sampling.data import DataReader
from ganzoo.sampling.first_batch import check_single_sample
from ganzoo.sampling.generated import GeneratedSamples, noise_seeds
from ganzoo.sampling.latent_prior import LatentPrior, check_prior


class LatentSampler(DataReader):
    """The part of a model with a generator of latents: it reads data and labels, and samples.

    ``Trainer.predict`` gives the samples of a loader's latents ``[B, Z]``, or of pairs of latents
    and classes ``[B]``; where a batch is real data, as a data module's is, as many samples as it
    has, of its classes.

    A generator with a style space has ``mapping`` and ``synthesis`` and takes ``truncation``; one
    with noise inside has ``takes_noise = True`` and takes ``noise``
    (:class:`~ganzoo.networks.noise.Noise`), which seeds make the same again.

    Args:
        generator: Network from latents ``[B, Z]`` to data ``[B, C, H, W]`` or ``[B, D]``.
        latent_prior: Distribution of the latents.
        game: Arguments of :class:`~ganzoo.sampling.data.DataReader` and
            :class:`~ganzoo.game.module.AdversarialModule`.

    Raises:
        InputError: if the generator is no module, or the prior cannot be sampled from.
    """

    def __init__(
        self,
        *,
        generator: nn.Module,
        latent_prior: LatentPrior,
        **game: Any,
    ) -> None:
        super().__init__(**game)
        check_kind("generator", generator, nn.Module, "a torch.nn.Module")
        check_prior(latent_prior)
        self.generator = generator
        self.latent_prior = latent_prior

    def averaged_modules(self) -> Mapping[str, nn.Module]:
        """The generator."""
        return {"generator": self.generator}

    def check_size(self, count: int) -> None:
        """Refuse batches that are too few for an iteration, or for batch normalisation."""
        super().check_size(count)
        if count // (self.minibatches_per_iteration * self.micro_batches) == 1:
            check_single_sample(self)

    def on_train_start(self) -> None:
        """Note the names of the classes."""
        super().on_train_start()
        if self.configuration is not None:
            names = class_names(self.trainer, getattr(self, "num_classes", None))
            self.configuration["dataset"]["class_names"] = names

    @property
    def class_names(self) -> Sequence[str] | None:
        """The name of each class, as the data had them in training; None without names."""
        if self.configuration is None:
            return None
        names: Sequence[str] | None = self.configuration["dataset"].get("class_names")
        return names

    def generate(
        self, network: nn.Module, latents: Tensor, labels: Tensor | None = None, **how: Any
    ) -> Tensor:
        """Data from latents by the generator or by its average.

        Args:
            network: Either of them.
            latents: ``[B, Z]``.
            labels: Classes ``[B]`` of a model that has any.
            how: ``noise`` and ``truncation``, for networks that take them.
        """
        return network(latents, **how)  # type: ignore[no-any-return]

    def choose_labels(self, labels: Any, count: int, generator: torch.Generator) -> Tensor | None:
        """The classes ``[count]`` to sample; a model without classes takes none.

        Raises:
            InputError: if labels are given to a model that has no classes.
        """
        if labels is not None:
            raise InputError("this model has no classes: leave labels out")
        return None

    def sampling_network(self, *, averaged: bool) -> nn.Module:
        """The generator's average, or the generator itself where there is no average."""
        if averaged and "generator" in self.ema:
            return cast("MovingAverage", self.ema["generator"]).network
        return self.generator

    def latents(self, count: int) -> Tensor:
        """Fresh latents ``[count, Z]`` on the model's device."""
        return self.latent_prior.sample(count, device=self.device)

    def sample(
        self,
        count: int,
        *,
        labels: Labels | None = None,
        seed: int | None = None,
        truncation: float | None = None,
        averaged: bool = True,
        batch_size: int = 256,
    ) -> Tensor:
        """Draw samples in evaluation mode.

        Args:
            count: Number of samples, at least 1.
            labels: Class of each sample ``[count]``, or one for all (conditional models): numbers,
                or names where the data set has names.
            seed: The same seed gives the same samples; None draws from torch's global state.
            truncation: Bound of the latents' magnitude, see the latent prior; of a generator with
                a style space how far styles keep of their way from the mean, in [0, 1].
            averaged: Sample from the moving average where there is one.
            batch_size: Samples computed at once, at least 1.

        Returns:
            Samples ``[count, C, H, W]`` in [-1, 1] or ``[count, D]`` in the data's units, float32
            whatever the weights are, on the model's device.

        Raises:
            InputError: if ``count`` or ``batch_size`` is not positive, or labels do not fit.
        """
        check_positive(n=count, batch_size=batch_size)
        if seed is None:
            seed = int(torch.randint(2**31, ()).item())
        of_prior, of_styles = self.truncations(truncation)
        latents, chosen = self.draw(count, labels=labels, seed=seed, truncation=of_prior)
        return self.decode(
            latents,
            chosen,
            averaged=averaged,
            batch_size=batch_size,
            noise_seeds=noise_seeds(count, seed),
            truncation=of_styles,
        )

    def truncations(self, truncation: float | None) -> tuple[float | None, float | None]:
        """What is truncated, latents or styles: the arguments of ``draw`` and of ``decode``."""
        has_styles = hasattr(self.generator, "mapping")
        return (None, truncation) if has_styles else (truncation, None)

    def draw(
        self,
        count: int,
        *,
        labels: Labels | None,
        seed: int,
        truncation: float | None,
    ) -> tuple[Tensor, Tensor | None]:
        """Draw what ``sample`` decodes: latents ``[count, Z]`` and classes ``[count]`` or None."""
        random = torch.Generator().manual_seed(seed)
        latents = self.latent_prior.sample(count, generator=random, truncation=truncation)
        return latents, self.choose_labels(labels, count, random)

    @torch.no_grad()
    def decode(
        self,
        latents: Tensor,
        labels: Tensor | None,
        *,
        averaged: bool,
        batch_size: int,
        noise_seeds: Tensor | None = None,
        truncation: float | None = None,
    ) -> Tensor:
        """Samples of given latents ``[N, Z]`` in evaluation mode, ``batch_size`` at a time.

        Args:
            latents: ``[N, Z]``.
            labels: Classes ``[N]``, or None.
            averaged: Whether by the moving average where there is one.
            batch_size: Samples computed at once.
            noise_seeds: Of the noise inside the generator, one for each sample ``[N]``; None gives
                all samples the same noise.
            truncation: Of styles, where the generator has any.

        Returns:
            float32 ``[N, ...]``.
        """
        network = self.sampling_network(averaged=averaged)
        seeds = torch.zeros(len(latents)) if noise_seeds is None else noise_seeds
        parts = torch.split(torch.arange(len(latents)), batch_size)
        with evaluating(network):
            made = [
                self.generate(
                    network,
                    latents[part].to(self.device),
                    None if labels is None else labels[part].to(self.device),
                    **_how(network, seeds[part], truncation),
                ).float()
                for part in parts
            ]
        return torch.cat(made)

    def reference_data(self, data: RealData) -> RealData:
        """All of the data."""
        return data

    def evaluation_samples(
        self, data: RealData, *, count: int, real_labels: Tensor | None, seed: int
    ) -> GeneratedSamples:
        """Samples of latents, of the real ones' classes where the model has classes."""
        return GeneratedSamples(self, count=count, real_labels=real_labels, seed=seed)

    def forward(self, latents: Tensor, labels: Labels | None = None) -> Tensor:
        """Samples of given latents, which gradients flow through.

        In evaluation mode they are those of the average of the weights, where there is one.

        Args:
            latents: ``[B, Z]``.
            labels: Classes ``[B]``, or one for all (conditional models).

        Returns:
            Samples ``[B, C, H, W]`` or ``[B, D]``.

        Raises:
            InputError: if the latents have another shape, or the labels do not fit.
        """
        if latents.ndim != 2 or latents.shape[1] != self.latent_prior.latent_dim:
            raise InputError(
                f"latents must have shape [B, {self.latent_prior.latent_dim}], "
                f"not {list(latents.shape)}"
            )
        chosen = self.choose_labels(labels, len(latents), torch.default_generator)
        if chosen is not None and labels is None:
            raise InputError("this model has classes: give latents and labels, model(z, labels)")
        classes = None if chosen is None else chosen.to(latents.device)
        return self.generate(self.sampling_network(averaged=not self.training), latents, classes)

    def predict_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Tensor:
        """Samples, float32, of a batch's latents and classes, or as many as it has data."""
        fields = self.read_batch(batch)
        latents, labels = fields["real"], fields["labels"]
        if latents.ndim != 2 or hasattr(getattr(self.trainer, "datamodule", None), "real"):
            latents = self.latents(len(latents))
        if getattr(self, "num_classes", None) is None:
            labels = None
        elif labels is None:
            labels = self.choose_labels(None, len(latents), torch.default_generator)
        return self.forward(latents, labels).float()


def _how(network: nn.Module, seeds: Tensor, truncation: float | None) -> dict[str, Any]:
    how: dict[str, Any] = {}
    if getattr(network, "takes_noise", False):
        how["noise"] = SeededNoise(seeds.long())
    if truncation is not None:
        how["truncation"] = truncation
    return how
