"""Unpickle what holds weights, and make nothing but tensors, plain values and stand-ins.

A pickle is a program. It can call whatever it finds by a name, so here it finds no object of any
module: a name is answered with a stand-in that keeps what it is given, or with a function of this
file that makes a tensor of stored bytes, or it is refused. None of them can be changed by the
pickle, and none of them calls anything that the pickle brings.
"""

import io
import pickle
import pickletools
import re
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, NamedTuple

import torch
from torch import Tensor

from ganzoo.checkpoints.trust import LONGEST_NAME
from ganzoo.checkpoints.verification import check_work
from ganzoo.errors import InputError

STORAGE_TYPES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
    "UntypedStorage": torch.uint8,
}
CLASSES = re.compile(
    r"(training|R3GAN)(\.\w+)+|torch\.nn\.modules(\.\w+)+"
    r"|numpy\.(dtype|(core|_core)\.multiarray\.scalar)"
    r"|torch\.(Size|device)|(builtins|__builtin__)\.set"
)
"""The names that files of the authors have and that a stand-in answers."""


class Storage(NamedTuple):
    """Numbers as they lie in a file: ``data`` [N]."""

    data: Tensor


class StoredTensor(NamedTuple):
    """A tensor of a file. Wrapped, because a pickle can let a bare one point elsewhere."""

    tensor: Tensor


class _Fixed(type):
    """The type of classes that a pickle cannot change."""

    def __setattr__(cls, name: str, value: Any) -> None:
        raise pickle.UnpicklingError(f"{name} cannot be set")


class StandIn(metaclass=_Fixed):
    """What stands for an object of any class, none of which is looked up.

    Attributes:
        state: The attributes that the file gives the object.
    """

    __slots__ = ("state",)
    state: Mapping[Any, Any]

    def __new__(cls, *arguments: Any, **settings: Any) -> "StandIn":
        """An object without attributes, whatever its constructor would have been given."""
        made = super().__new__(cls)
        made.__setstate__({})
        return made

    def __setstate__(self, state: Any) -> None:
        """Keep what the pickle says of its attributes."""
        self.state = state if isinstance(state, dict) else {}


class Dictionary(dict[Any, Any], metaclass=_Fixed):
    """A dictionary without the attributes that a pickle adds to those of other classes."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> None:
        """Leave them out."""


class _Maker(metaclass=_Fixed):
    """A class only in form, so that a pickle cannot change it: called, it makes something else."""

    make: Callable[..., Any]

    def __new__(cls, *arguments: Any) -> Any:
        return cls.make(*arguments)


class _Tensor(_Maker):
    @staticmethod
    def make(storage: Any, offset: Any, size: Any, stride: Any, *notes: Any) -> StoredTensor:
        """The tensor of some of a storage's numbers, as ``torch._utils._rebuild_tensor_v2``."""
        whole = all(type(number) is int and number >= 0 for number in (offset, *size, *stride))
        if type(storage) is not Storage or not whole or len(size) != len(stride):
            raise pickle.UnpicklingError("a tensor that makes no sense")
        count = torch.Size(size).numel()
        steps = ((extent - 1) * step for extent, step in zip(size, stride, strict=True))
        last = offset + sum(steps) if count else 0
        if max(count, last + 1 if count else 0, *size) > len(storage.data):
            raise pickle.UnpicklingError("a tensor is larger than what is stored of it")
        return StoredTensor(storage.data.as_strided(size, stride, offset))


class _Parameter(_Maker):
    @staticmethod
    def make(data: Any, *notes: Any) -> StoredTensor:
        """The tensor of a parameter, as ``torch._utils._rebuild_parameter``."""
        if type(data) is not StoredTensor:
            raise pickle.UnpicklingError("a parameter that is no tensor")
        return data


class _Persistent(_Maker):
    @staticmethod
    def make(described: Any) -> StandIn:
        """A module of NVIDIA's, without the text of the program that comes with it."""
        made = StandIn()
        made.__setstate__(described["state"])
        return made


GLOBALS: Mapping[str, Any] = {
    "collections.OrderedDict": Dictionary,
    "dnnlib.util.EasyDict": Dictionary,
    "torch._utils._rebuild_tensor": _Tensor,
    "torch._utils._rebuild_tensor_v2": _Tensor,
    "torch._utils._rebuild_parameter": _Parameter,
    "torch_utils.persistence._reconstruct_persistent_obj": _Persistent,
    **{f"torch.{name}": dtype for name, dtype in STORAGE_TYPES.items()},
    **{f"torch.storage.{name}": dtype for name, dtype in STORAGE_TYPES.items()},
    **{str(dtype): dtype for dtype in STORAGE_TYPES.values()},
}
"""The names that mean something here. No value can be changed by a pickle."""

FindStorage = Callable[[Any], Storage]
"""From what a pickle says of numbers outside of it to them."""


def no_storage(identity: Any) -> Storage:
    """Refuse numbers outside of a pickle.

    Raises:
        UnpicklingError: always.
    """
    raise pickle.UnpicklingError("it names a storage outside of it")


def unpickle(file: BinaryIO, find_storage: FindStorage = no_storage) -> Any:
    """Read one pickle, and leave the file where it ends.

    Args:
        file: Open, at its start.
        find_storage: Finds the numbers that it holds by name.

    Raises:
        InputError: if it names anything that weights do not need.
        Exception: whatever the unpickler raises on bytes that make no sense.
    """
    start = file.tell()
    length = file.seek(0, io.SEEK_END) - start
    file.seek(start)
    check_work(pickletools.genops(file), length)
    file.seek(start)
    return _Unpickler(file, find_storage, length).load()


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: BinaryIO, find_storage: FindStorage, length: int) -> None:
        super().__init__(file)
        self._find_storage, self._left = find_storage, length
        maker = {"make": staticmethod(self._read_inside)}
        self._globals = {**GLOBALS, "torch.storage._load_from_bytes": _Fixed("", (_Maker,), maker)}

    def find_class(self, module: str, name: str) -> Any:
        """What a name of the pickle means here.

        Raises:
            InputError: if it is none of those that weights need.
        """
        full = f"{module}.{name}"
        if full in self._globals:
            return self._globals[full]
        if CLASSES.fullmatch(full):
            return StandIn
        raise InputError(f"names {full[:LONGEST_NAME]!r}, which no weights need: refused")

    def persistent_load(self, identity: Any) -> Storage:
        """The numbers that the pickle names."""
        return self._find_storage(identity)

    def _read_inside(self, content: Any) -> Storage:
        """The storage of a file in torch's old format that is in the pickle, which holds it once.

        NVIDIA's and R3GAN's pickles hold all their numbers so.
        """
        self._left -= len(content)
        if type(content) is not bytes or self._left < 0:
            raise pickle.UnpicklingError("a storage that makes no sense")
        found = read_old_format(io.BytesIO(content))
        if type(found) is not Storage:
            raise pickle.UnpicklingError("a storage that is none")
        return found


def described_storage(identity: Any) -> tuple[str, torch.dtype, int]:
    """The name, type and count of a storage, from what torch's pickles say of it.

    Raises:
        UnpicklingError: if that makes no sense, or is a part of another one.
    """
    kind, dtype, key, _, count, *part = identity
    fits = type(key) is str and type(count) is int and isinstance(dtype, torch.dtype)
    if kind != "storage" or not fits or count < 0 or any(note is not None for note in part):
        raise pickle.UnpicklingError("a storage that makes no sense")
    return key, dtype, count


def numbers(content: bytes, dtype: torch.dtype) -> Tensor:
    """Numbers [N] of bytes."""
    if not content:
        return torch.empty(0, dtype=dtype)
    return torch.frombuffer(bytearray(content), dtype=dtype)


def read_old_format(file: BinaryIO) -> Any:
    """Read what ``torch.save`` wrote before torch 1.6, and still writes into other pickles.

    It is a row of pickles and then all storages, in the order of their names.

    Args:
        file: Open at its start.

    Raises:
        InputError: if it names anything that weights do not need.
        Exception: as :func:`unpickle`.
    """
    _, _, system = (unpickle(file) for _ in range(3))  # a magic number, and that of the protocol
    if system.get("little_endian") is not True:
        raise pickle.UnpicklingError("numbers in the order of another machine")
    start, described = file.tell(), dict[str, tuple[torch.dtype, int]]()

    def note(identity: Any) -> Storage:
        key, dtype, count = described_storage(identity)
        described[key] = dtype, count
        return Storage(torch.empty(count, dtype=dtype, device="meta"))

    unpickle(file, note)
    storages = {key: _read_storage(file, *described[key]) for key in unpickle(file)}
    file.seek(start)
    return unpickle(file, lambda identity: storages[described_storage(identity)[0]])


def _read_storage(file: BinaryIO, dtype: torch.dtype, count: int) -> Storage:
    written = int.from_bytes(file.read(8), "little")
    content = file.read(count * dtype.itemsize)
    if written != count or len(content) != count * dtype.itemsize:
        raise pickle.UnpicklingError("a storage is cut off")
    return Storage(numbers(content, dtype))
