"""InfoGAN."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_not_negative
from ganzoo.game.own_parts import check_kind
from ganzoo.game.player import Player
from ganzoo.losses.base import LossTerms
from ganzoo.models.gan import GAN
from ganzoo.networks.encoders import CodeClassifier
from ganzoo.penalties.context import Context


@defaults_from("model/info_gan")
class InfoGAN(GAN):
    """InfoGAN: a part of the latents, the codes, can be told from what the generator made of them.

    Chen et al. (2016), "InfoGAN: Interpretable Representation Learning by Information Maximizing
    Generative Adversarial Nets", equations 5 and 6 (arXiv 1606.03657):
    ``min_{G, Q} max_D V(D, G) - lambda L_I(G, Q)``, where ``L_I = E[log Q(c | G(z, c))] + H(c)``
    bounds the mutual information of codes and data from below.

    The classifier Q is a player of its own. Its terms ``categorical`` and ``continuous`` are
    -E[log Q] in nats; the generator's terms of these names are the same times their weights.

    Departures: Q does not have layers in common with the discriminator; the constant H(c) is left
    out of the terms; the adversarial objective is whatever ``loss`` says.

    Args:
        classifier: The network Q, which holds the prior of the codes.
        information_weights: lambda for each kind of code that the prior has, at least 0; the
            paper takes 1 for categorical codes and a smaller one for continuous codes (section
            7.2, appendix C).
        game: Arguments of :class:`~ganzoo.models.gan.GAN`; the latent prior is a prior of codes.

    Raises:
        InputError: if a weight is negative, or is missing for codes that there are.
    """

    def __init__(
        self,
        *,
        classifier: CodeClassifier,
        information_weights: Mapping[str, float] = FROM_CONFIG,
        **game: Any,
    ) -> None:
        super().__init__(**game)
        check_not_negative(**information_weights)
        wanted = "a ganzoo.networks.encoders.CodeClassifier(network=lambda outputs: ..., prior=...)"
        check_kind("classifier", classifier, CodeClassifier, wanted)
        self.classifier = classifier
        missing = set(classifier.prior.entropies) - set(information_weights)
        if missing:
            raise InputError(f"set model.information_weights of {' and '.join(sorted(missing))}")
        self.information_weights = dict(information_weights)

    def build_players(self) -> Sequence[Player]:
        """The discriminator, the classifier, then the generator."""
        discriminator, generator = super().build_players()
        classifier = Player(
            "classifier", self.classifier, self.classifier_losses, context=self.context
        )
        return discriminator, classifier, generator

    def classifier_losses(self, context: Context) -> LossTerms:
        """What Q minimises: -E[log Q] in nats of the codes that fresh samples were made from."""
        codes = self.classifier.prior.codes(context.latents)
        return self.classifier.negative_log_likelihoods(context.fake, codes)

    def generator_losses(self, context: Context) -> LossTerms:
        """What the generator minimises: that too, weighted, and its adversarial loss."""
        information = {
            name: self.information_weights[name] * term
            for name, term in self.classifier_losses(context).items()
        }
        return super().generator_losses(context) | information

    def encoders(self) -> Mapping[str, Callable[[Tensor], Any]]:
        """The classifier, to be tried on the first batch."""
        return {"classifier": lambda data: self.classifier(data).continuous.mean}
