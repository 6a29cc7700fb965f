"""The first paper's game with the generator's loss that its authors trained with."""

from torch import Tensor
from torch.nn import functional

from ganzoo.defaults import defaults_from
from ganzoo.losses.minimax import Minimax


@defaults_from("loss/non_saturating")
class NonSaturating(Minimax):
    """Let the generator maximise ``E log D(G(z))`` instead of minimising ``E log(1 - D(G(z)))``.

    Goodfellow et al. (2014, arXiv:1406.2661), section 3. The discriminator's loss is that of
    :class:`Minimax`. For a sample with ``D = sigmoid(logit)`` the gradient by the logit is
    ``-(1 - D)`` where the saturating loss has ``-D``: the sign and the fixed points of the game
    are the same, but the gradient is largest where the discriminator is sure of a fake.

    Args:
        label_smoothing: see :class:`Minimax`.

    Raises:
        InputError: if label_smoothing is outside [0, 0.5) or NaN.
    """

    def generator_cost(self, logits: Tensor) -> Tensor:
        """Cross-entropy with the target 1: ``-log D``."""
        return functional.softplus(-logits)
