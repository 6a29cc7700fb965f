"""An autoencoder with a codebook and an adversarial term on a GPU: nothing waits for the device."""

import pytest
import torch
from torch.nn import functional

from ganzoo.losses import AdversarialTerm, Hinge, PerceptualDistance
from ganzoo.metrics.features import RandomFeatures
from ganzoo.networks.activation_norm import ActivationNorm
from ganzoo.networks.patchgan import PatchGANDiscriminator
from ganzoo.networks.vector_quantizer import VectorQuantizer
from ganzoo.networks.vqgan import VQGANDecoder, VQGANEncoder

pytestmark = pytest.mark.gpu
SHAPE = [3, 16, 16]


class Parts(torch.nn.Module):
    def __init__(self):
        super().__init__()
        patches = PatchGANDiscriminator(
            shape=SHAPE, width=16, downsamplings=2, normalization=ActivationNorm()
        )
        self.encoder, self.decoder = VQGANEncoder(shape=SHAPE), VQGANDecoder(shape=SHAPE)
        self.quantizer = VectorQuantizer()
        self.adversarial = AdversarialTerm(discriminator=patches, loss=Hinge())
        self.perceptual = PerceptualDistance(extractor=RandomFeatures())

    def forward(self, real):
        """The loss of all, the adaptive weight, and the codes in use."""
        quantized = self.quantizer(self.encoder(real))
        fake = self.decoder(quantized.codes)
        reconstruction = functional.l1_loss(fake, real) + self.perceptual(fake, real).mean()
        generator = self.adversarial.generator_term(
            fake,
            real,
            step=0,
            reconstruction_loss=reconstruction,
            last_layer=self.decoder.last_layer,
        )
        discriminator = self.adversarial.discriminator_term(real, fake, step=0)
        losses = [reconstruction, generator.loss, discriminator.loss, *quantized.losses.values()]
        return sum(losses), generator.weight, self.quantizer.usage(quantized.indices)["used"]


def made(device):
    torch.manual_seed(0)
    parts = Parts().to(device)
    return parts, torch.rand(8, *SHAPE).to(device) * 2 - 1


def test_an_update_never_waits_for_the_device(device):
    parts, real = made(device)
    optimizer = torch.optim.Adam(parts.parameters(), lr=1e-3)
    try:
        for step in range(4):
            if device.type == "cuda" and step == 2:
                torch.cuda.set_sync_debug_mode("error")
            with torch.autocast(device.type, dtype=torch.bfloat16):
                loss, _, used = parts(real)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    finally:
        if device.type == "cuda":
            torch.cuda.set_sync_debug_mode("default")
    assert loss.isfinite()
    assert 0 < used <= 1


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_mixed_precision_has_about_the_adaptive_weight_of_float32(device, dtype):
    parts, real = made(device)
    parts(real)  # the first batch of the activation normalisation
    weights = []
    for enabled in (True, False):
        with torch.autocast(device.type, dtype=dtype, enabled=enabled):
            weights.append(parts(real)[1])
    torch.testing.assert_close(*weights, rtol=0.2, atol=0)
