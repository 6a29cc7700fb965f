"""The game of the first paper, played literally and without saturating."""

from torch import Tensor
from torch.nn import functional

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError
from ganzoo.losses.base import PointwiseLoss


@defaults_from("loss/minimax")
class Minimax(PointwiseLoss):
    """Minimise ``-V`` and ``V`` of Goodfellow et al. (2014, arXiv:1406.2661), equation 1.

    With ``D = sigmoid(logit)``, the discriminator pays ``-E log D(x) - E log(1 - D(G(z)))`` and
    the generator ``E log(1 - D(G(z)))``, whose gradient vanishes where the discriminator is sure
    (it saturates). The generator's term leaves out ``E log D(x)``, which does not depend on it.
    Where the discriminator cannot tell (``D = 1/2``) the discriminator's loss is ``ln 4``.

    All terms are softplus functions of logits: finite, with finite gradients, for any logit.

    Args:
        label_smoothing: how far the target of real data lies below 1, in [0, 0.5); 0 is the
            paper's game. One-sided as in Salimans et al. (2016, arXiv:1606.03498), section 3.4:
            the target of generated data stays 0, and the generator's loss does not change.

    Raises:
        InputError: if label_smoothing is outside [0, 0.5) or NaN.
    """

    expects_logits = True

    def __init__(self, *, label_smoothing: float = FROM_CONFIG) -> None:
        super().__init__()
        if not 0 <= label_smoothing < 0.5:
            raise InputError(
                f"label_smoothing must be at least 0 and below 0.5, not {label_smoothing}"
            )
        self.label_smoothing = label_smoothing

    def real_cost(self, logits: Tensor) -> Tensor:
        """Cross-entropy with the target ``1 - label_smoothing``."""
        return functional.softplus(-logits) + self.label_smoothing * logits

    def fake_cost(self, logits: Tensor) -> Tensor:
        """Cross-entropy with the target 0: ``-log(1 - D)``."""
        return functional.softplus(logits)

    def generator_cost(self, logits: Tensor) -> Tensor:
        """The discriminator's cost with its sign turned: ``log(1 - D)``."""
        return -functional.softplus(logits)


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
