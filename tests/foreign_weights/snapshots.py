"""Files as NVIDIA's and R3GAN's training code writes them, of random weights."""

import io
import pickle
from collections import OrderedDict

import torch


class _Named:
    """Pickled as an object or a function of a name, without there being any of it."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class _Called:
    """Pickled as the call of something with arguments, and a state."""

    def __init__(self, function, *arguments, state=None):
        self.function, self.arguments, self.state = function, arguments, state

    def __reduce_ex__(self, protocol):
        return _placeholder, (self.function, *self.arguments), self.state


def _placeholder(*_):
    raise AssertionError("only pickled")


class _Pickler(pickle._Pickler):
    """The pickler in Python, which writes names without looking them up."""

    def save(self, value, save_persistent_id=True):
        if isinstance(value, _Named):
            super().save(value.module)
            super().save(value.name)
            self.write(pickle.STACK_GLOBAL)
        elif isinstance(value, _Called):
            self.save(value.function)
            self.save(value.arguments)
            self.write(pickle.REDUCE)
            if value.state is not None:
                self.save(value.state)
                self.write(pickle.BUILD)
        else:
            super().save(value, save_persistent_id)


def named(full):
    return _Named(*full.rsplit(".", 1))


def called(full, *arguments, state=None):
    return _Called(named(full), *arguments, state=state)


def dumped(value):
    file = io.BytesIO()
    _Pickler(file, protocol=4).dump(value)
    return file.getvalue()


def tree(state, attributes, make, prefix=""):
    """Nested modules of a state dict.

    Args:
        state: By dotted names; names of BUFFERS are buffers.
        attributes: Of modules, by dotted names.
        make: From the attributes of a module to what stands for it in the pickle.
        prefix: Of the names.
    """
    own = {
        "_parameters": OrderedDict(),
        "_buffers": OrderedDict(),
        "_modules": OrderedDict(),
        "_forward_hooks": OrderedDict(),
        "training": False,
    }
    for name, value in (*state.items(), *attributes.items()):
        first, _, rest = name.removeprefix(prefix).partition(".")
        if not name.startswith(prefix):
            continue
        if rest and first not in own["_modules"]:
            own["_modules"][first] = tree(state, attributes, make, f"{prefix}{first}.")
        elif not rest and name in attributes:
            own[first] = value
        elif not rest and first in BUFFERS:
            own["_buffers"][first] = value
        elif not rest:
            own["_parameters"][first] = torch.nn.Parameter(value)
    return make(own)


BUFFERS = {"resample_filter", "noise_const", "w_avg", "Kernel"}


def persistent(class_name, source=""):
    """Makes a module as NVIDIA's ``torch_utils.persistence`` pickles it."""

    def make(state):
        described = {
            "type": "class",
            "version": 6,
            "module_src": source,
            "class_name": class_name,
            "state": state,
        }
        return called("torch_utils.persistence._reconstruct_persistent_obj", described)

    return make


def generator_state(channels=1, size=8, width=4, latent_dim=4, classes=None):
    """The names and shapes of NVIDIA's generator, with 4 numbers of a style."""
    shapes = {"mapping.w_avg": [4]}
    if classes:
        shapes |= {"mapping.embed.weight": [4, classes], "mapping.embed.bias": [4]}
    for layer in range(2):
        inputs = 4 if layer else latent_dim + (4 if classes else 0)
        shapes |= {f"mapping.fc{layer}.weight": [4, inputs], f"mapping.fc{layer}.bias": [4]}
    shapes["synthesis.b4.const"] = [width, 4, 4]
    resolution = 4
    while resolution <= size:
        place = f"synthesis.b{resolution}."
        shapes[f"{place}resample_filter"] = [4, 4]
        for layer in ("conv0", "conv1", "torgb")[resolution == 4 :]:
            outputs, kernel = (channels, 1) if layer == "torgb" else (width, 3)
            shapes |= {
                f"{place}{layer}.affine.weight": [width, 4],
                f"{place}{layer}.affine.bias": [width],
                f"{place}{layer}.weight": [outputs, width, kernel, kernel],
                f"{place}{layer}.bias": [outputs],
            }
            if layer != "torgb":
                shapes[f"{place}{layer}.noise_strength"] = []
                shapes[f"{place}{layer}.noise_const"] = [resolution] * 2
        resolution *= 2
    return filled(shapes)


def discriminator_state(channels=1, width=4):
    """The names and shapes of NVIDIA's residual discriminator of 8x8 pictures."""
    return filled(
        {
            "b8.resample_filter": [4, 4],
            "b8.fromrgb.weight": [width, channels, 1, 1],
            "b8.fromrgb.bias": [width],
            "b8.conv0.weight": [width, width, 3, 3],
            "b8.conv0.bias": [width],
            "b8.conv1.weight": [width, width, 3, 3],
            "b8.conv1.bias": [width],
            "b8.skip.weight": [width, width, 1, 1],
            "b4.conv.weight": [width, width + 1, 3, 3],
            "b4.conv.bias": [width],
            "b4.fc.weight": [width, 16 * width],
            "b4.fc.bias": [width],
            "b4.out.weight": [1, width],
            "b4.out.bias": [1],
        }
    )


def filled(shapes):
    """Random numbers of these shapes, and the filter [1, 3, 3, 1]."""
    draw = torch.Generator().manual_seed(len(shapes))
    line = torch.tensor([1.0, 3.0, 3.0, 1.0])
    kernel = line.outer(line) / line.sum() ** 2
    return {
        name: kernel.clone()
        if name.endswith("resample_filter")
        else torch.randn(shape, generator=draw)
        for name, shape in shapes.items()
    }
