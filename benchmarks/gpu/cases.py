"""What is timed: networks with the settings of their papers, and how they are run."""

from dataclasses import dataclass

from benchmarks.gpu.part import REHEARSAL

TINY = ("network.generator.width=8", "network.discriminator.width=8") if REHEARSAL else ()


@dataclass(frozen=True)
class Case:
    """A model and the batches of one discriminator step.

    Attributes:
        name: For the table.
        overrides: Of its networks.
        batch: Samples in one step.
        steps: Discriminator steps for each generator step.
        size: Height and width of its pictures.
        loss: Its name in the library; ``by_hand`` has the same as a formula.
        penalty: Names in the library, separated by commas; ``by_hand`` has these as formulas too.
    """

    name: str
    overrides: tuple[str, ...]
    batch: int
    steps: int
    size: int
    loss: str = "non_saturating"
    penalty: str = "none"

    @property
    def settings(self) -> list[str]:
        """Overrides that compose all of it."""
        return [
            *("optimizer.ema=none", f"dataset.image_size={self.size}", f"loss={self.loss}"),
            f"model.discriminator_steps={self.steps}",
            f"penalty={self.penalty if self.penalty == 'none' else f'[{self.penalty}]'}",
            *self.overrides,
            *TINY,
        ]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the real data of an iteration."""
        rows = 4 if REHEARSAL else self.batch
        return rows * self.steps, 3, self.size, self.size


SPECTRAL = "network.discriminator_normalization=spectral"
WIDE = "network.generator.width=128"
OF_STYLE = (
    *("network.latent.latent_dim=512", "network.generator.style_dim=512"),
    *("network.generator.width=null", "network.generator.max_width=512"),
)
CASES = [
    Case("SNGAN 32, B 64, 5 D steps", ("network=resnet", SPECTRAL), 64, 5, 32, "hinge"),
    Case(
        "WGAN-GP residual 32, B 64, 5 D steps",
        ("network=resnet", WIDE),
        batch=64,
        steps=5,
        size=32,
        loss="wasserstein",
        penalty="gradient_penalty",
    ),
    Case("DCGAN 64, B 128", ("network=dcgan",), batch=128, steps=1, size=64),
    Case(
        "StyleGAN2's CIFAR networks, B 64, R1 in each step",
        ("network=style", "network/discriminator=stylegan2", *OF_STYLE),
        batch=64,
        steps=1,
        size=32,
        penalty="r1",
    ),
    Case(
        "R3GAN's CIFAR networks, B 64, R1 and R2",
        ("network=r3gan", "network/discriminator=r3gan", "network.latent.latent_dim=64"),
        batch=64,
        steps=1,
        size=32,
        loss="relativistic",
        penalty="r1,r2",
    ),
]


@dataclass(frozen=True)
class Setting:
    """How a case is computed.

    Attributes:
        name: For the table.
        precision: Lightning's name of it.
        matmul: torch's name of the precision of float32 products; ``high`` is TF32.
        channels_last: Whether networks and pictures have that memory format.
        compiled: torch.compile's mode for the networks, or None.
    """

    name: str
    precision: str = "32-true"
    matmul: str = "highest"
    channels_last: bool = False
    compiled: str | None = None

    @property
    def has_graphs(self) -> bool:
        """Whether the networks are CUDA graphs."""
        return self.compiled == "reduce-overhead"


BFLOAT16 = ("bf16-mixed", "high")
GRAPHS = Setting("bf16-mixed, compiled, CUDA graphs", *BFLOAT16, compiled="reduce-overhead")
SETTINGS = [
    Setting("float32"),
    Setting("TF32", matmul="high"),
    Setting("bf16-mixed", *BFLOAT16),
    Setting("bf16-mixed, channels last", *BFLOAT16, channels_last=True),
    Setting("bf16-mixed, compiled", *BFLOAT16, compiled="default"),
    GRAPHS,
]
if REHEARSAL:  # compiling takes a CPU minutes
    SETTINGS = [Setting("bf16-mixed", *BFLOAT16), GRAPHS]
