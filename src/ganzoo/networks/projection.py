"""A discriminator that takes the inner product of data's features with a vector of the class."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ganzoo.networks.label_codes import check_labels, known_classes


class ProjectionDiscriminator(nn.Module):
    """The projection discriminator (Miyato and Koyama 2018, arXiv 1802.05637, equation 3).

    With features phi(x), the input of the network's last layer, and a vector v_y for each class,

        f(x, y) = <v_y, phi(x)> + psi(phi(x)),  psi linear.

    The network has 1 + K outputs o, and f(x, y) = o_0 + o_(1 + y): its last layer is linear, its
    first row is psi, and the others are the vectors.

    Departures: each class has a bias as well. With spectral normalisation the matrix of psi and all
    v_y is divided by one norm, where the authors' code normalises psi and the embedding each by
    itself; and both are drawn by the initialisation of one layer.

    Args:
        network: builds the discriminator when called with outputs; all else is bound already.
        num_classes: K.

    Raises:
        InputError: if num_classes is None (data without labels) or not positive.
    """

    def __init__(self, *, network: Callable[..., nn.Module], num_classes: int | None) -> None:
        super().__init__()
        self.num_classes = known_classes(num_classes)
        self.network = network(outputs=1 + self.num_classes)

    def forward(self, data: Tensor, labels: Tensor) -> Tensor:
        """Map points [B, D] or images [B, C, H, W] and labels [B] to logits [B].

        Raises:
            InputError: if a label is out of range (looked at on the CPU only).
        """
        check_labels(labels, self.num_classes)
        outputs: Tensor = self.network(data)
        products = torch.take_along_dim(outputs[:, 1:], labels.unsqueeze(1), dim=1)
        return outputs[:, 0] + products.squeeze(1)
