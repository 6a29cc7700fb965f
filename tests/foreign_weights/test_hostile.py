"""Files that would do something else than hold weights: refused in one line, and nothing runs."""

import copyreg
import io
import os
import pickle
import struct
import zipfile

import pytest
import torch

from ganzoo.errors import InputError
from ganzoo.foreign_weights.networks import networks_of
from ganzoo.foreign_weights.reading import OLD_FORMAT, read
from ganzoo.foreign_weights.sources import read_imported
from ganzoo.foreign_weights.unpickling import GLOBALS, StandIn, StoredTensor
from tests.foreign_weights.snapshots import called, dumped, generator_state, named, persistent, tree

COMMAND = "touch exploded"


class Bomb:
    def __reduce__(self):
        return os.system, (COMMAND,)


def text(value):
    return b"\x8c" + bytes([len(value)]) + value.encode()


def name_of(module, name):
    return text(module) + text(name) + pickle.STACK_GLOBAL


GENERATOR = name_of("training.networks", "Generator")
ORDERED = name_of("collections", "OrderedDict")
TENSOR = name_of("torch._utils", "_rebuild_tensor_v2")
SLOTS_STATE = b"N}" + text("__setstate__") + b"K\x01s\x86b"  # (None, {"__setstate__": 1}), BUILD


def program(*parts):
    return b"\x80\x04" + b"".join(parts) + b"."


def stored(count=4):
    """What the pickle of a storage inside of another pickle is."""
    file = io.BytesIO()
    storage = torch.arange(float(count)).untyped_storage()
    typed = torch.storage.TypedStorage(wrap_storage=storage, dtype=torch.float, _internal=True)
    torch.save(typed, file, _use_new_zipfile_serialization=False)
    return called("torch.storage._load_from_bytes", file.getvalue())


def tensor(*how):
    return called("torch._utils._rebuild_tensor_v2", stored(), *how)


def with_bomb(place):
    """A whole snapshot of NVIDIA's with a call of the system somewhere."""
    bomb = called("posix.system", COMMAND)
    network = tree(generator_state(), {"mapping.w_avg_beta": bomb}, persistent("Generator"))
    if place == "attribute":
        return dumped({"G_ema": network})
    good = tree(generator_state(), {}, persistent("Generator"))
    if place == "key":
        return dumped({"G_ema": good, "augment_pipe": bomb})
    if place == "argument":
        inside = called("torch_utils.persistence._reconstruct_persistent_obj", {"a": bomb})
        return dumped({"G_ema": good, "D": inside})
    content = io.BytesIO()
    torch.save({"weight": Bomb()}, content, _use_new_zipfile_serialization=False)
    return dumped(
        {"G_ema": good, "D": called("torch.storage._load_from_bytes", content.getvalue())}
    )


NAMES = {
    "system": called("posix.system", COMMAND),
    "os": called("os.system", COMMAND),
    "eval": called("builtins.eval", f"__import__('os').system({COMMAND!r})"),
    "exec": called("builtins.exec", f"import os; os.system({COMMAND!r})"),
    "load": called("torch.load", "file"),
    "serialization": called("torch.serialization.load", "file"),
    "hub": called("torch.hub.load_state_dict_from_url", "http://127.0.0.1"),
    "getattr": called("builtins.getattr", named("builtins.dict"), "get"),
    "import": called("builtins.__import__", "os"),
    "partial": called("functools.partial", named("posix.system"), COMMAND),
    "methodcaller": called("operator.methodcaller", "system", COMMAND),
    "reconstructor": called("copyreg._reconstructor", named("builtins.object"), None, None),
    "persistence": called("torch_utils.persistence.import_hook", None),
    "util": called("dnnlib.util.get_obj_by_name", "os.system"),
    "numpy": called("numpy.load", "file"),
    "ctypes": called("numpy.ctypeslib.load_library", "libc", "."),
    "functional": called("torch.jit.load", "file"),
    "ourselves": called("ganzoo.load", "file"),
}


@pytest.fixture
def refused(tmp_path, monkeypatch):
    """Write bytes to a file; say why it is refused, after a look at what it did."""
    monkeypatch.chdir(tmp_path)

    def check(content):
        (tmp_path / "file.pkl").write_bytes(content)
        with pytest.raises(InputError) as error:
            read_imported([tmp_path / "file.pkl"])
        assert [path.name for path in tmp_path.iterdir()] == ["file.pkl"]
        message = str(error.value)
        assert message.isprintable() and len(message) < 600
        assert message.startswith(str(tmp_path / "file.pkl"))
        return message

    return check


def test_the_bomb_is_live(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pickle.loads(pickle.dumps(Bomb()))
    assert (tmp_path / "exploded").exists()


@pytest.mark.parametrize("name", NAMES)
def test_names_that_weights_do_not_need(refused, name):
    full = f"{NAMES[name].function.module}.{NAMES[name].function.name}"
    inner = refused(dumped({"G": NAMES[name], "G_ema": NAMES[name]}))
    assert "which no weights need: refused" in inner
    assert full in inner or "builtins.dict" in inner or "posix.system" in inner


@pytest.mark.parametrize("place", ["attribute", "key", "argument", "inside"])
def test_a_call_inside_of_a_whole_snapshot(refused, place):
    assert "posix.system', which no weights need: refused" in refused(with_bomb(place))


@pytest.mark.parametrize("protocol", range(5))
def test_bombs_of_all_protocols(refused, protocol):
    content = pickle.dumps({"G": Bomb()}, protocol=protocol)
    message = refused(content)
    wanted = "refused" if protocol > 1 else "neither a pickle nor a file that torch.save wrote"
    assert wanted in message


@pytest.mark.parametrize(
    "content",
    {
        "a stand-in's class is changed": program(GENERATOR, SLOTS_STATE),
        "a dictionary's class is changed": program(ORDERED, SLOTS_STATE),
        "a function is changed": program(TENSOR, SLOTS_STATE),
        "a function has attributes": program(TENSOR, b"}", text("make"), b"K\x01sb"),
        "a type is changed": program(name_of("torch", "float32"), SLOTS_STATE),
        "a stand-in is called": program(GENERATOR, b")\x81", text("a"), b"\x85R"),
        "a stand-in is extended": program(GENERATOR, b")\x81(K\x01e"),
        "a stand-in has entries": program(GENERATOR, b")\x81K\x01K\x02s"),
        "text is called": program(text("system"), b")R"),
        "a number is made": program(b"K\x01", b")\x81"),
        "a storage outside": program(text("a"), b"Q"),
        "a name in one's memory": program(b"K\x01r", struct.pack("<I", 2**31), b"0N"),
        "more bytes than there are": program(b"\x8e", struct.pack("<Q", 2**62), b"N"),
        "no end": program(b"(")[:-1],
        "nothing": program(),
        "deep tuples": program(b")", b"\x85" * 3000),
        "tuples of tuples": program(b")\x94", b"\x94h\x00h\x00\x86\x94" * 3 + b"N"),
    }.items(),
    ids=lambda item: item[0],
)
def test_operations_that_make_no_sense(refused, content):
    refused(content[1])


def test_a_stand_in_that_is_changed_stays_one():
    made = StandIn("touch exploded", key=1)
    assert type(made) is StandIn and made.state == {}
    with pytest.raises(pickle.UnpicklingError):
        StandIn.state = {}
    with pytest.raises(AttributeError):
        made.other = 1
    with pytest.raises(TypeError):
        made("again")
    made.__setstate__("no attributes")
    assert made.state == {}


def test_no_name_means_an_object_that_a_pickle_could_use():
    for value in GLOBALS.values():
        assert isinstance(value, torch.dtype) or value.__module__.startswith("ganzoo.")


def test_names_with_dots_are_no_way_to_other_objects(tmp_path):
    path = tmp_path / "file.pkl"
    content = program(name_of("training.networks", "Generator.__init__.__globals__"), b")\x81")
    path.write_bytes(content)
    found = read(path)
    assert isinstance(found, StandIn) and found.state == {}


def test_registered_extensions_are_names_too(refused):
    copyreg.add_extension("posix", "system", 230)
    try:
        assert "posix.system" in refused(program(b"\x82\xe6", text(COMMAND), b"\x85R"))
    finally:
        copyreg.remove_extension("posix", "system", 230)


@pytest.mark.parametrize(
    "how",
    [
        (0, (5,), (1,)),
        (1, (4,), (1,)),
        (0, (2, 3), (1, 1)),
        (0, (2**40,), (0,)),
        (0, (2,), (2**62,)),
        (-1, (2,), (1,)),
        (0, (-1,), (1,)),
        (0, (2,), (-1,)),
        (0, (2,), ()),
        (0, (2.0,), (1,)),
        (0, "22", "11"),
        (0, (10**12, 0), (1, 1)),
    ],
)
def test_tensors_beyond_what_is_stored(refused, how):
    refused(dumped({"G": {"synthesis.b4.const": tensor(*how)}}))


def test_a_tensor_that_is_rebuilt_in_place(refused):
    good = tensor(0, (4,), (1,))
    good.state = (
        tensor(0, (4,), (1,)),
        0,
        (100,),
        (1,),
    )  # torch.Tensor.__setstate__ would point it elsewhere
    refused(dumped({"G": {"synthesis.b4.const": good}}))


def test_what_is_stored_is_read_once(refused):
    """A few bytes that ask for the same storage again and again."""
    calls = dumped([stored(10_000)] * 50)
    assert len(calls) < 100_000
    refused(calls)


def test_tensors_of_one_storage_take_no_memory_of_their_own(tmp_path):
    path = tmp_path / "file.pkl"
    path.write_bytes(dumped([tensor(0, (4,), (1,)), tensor(1, (2,), (2,))]))
    first, second = (part.tensor for part in read(path))
    assert first.tolist() == [0, 1, 2, 3] and second.tolist() == [1, 3]


def test_modules_that_contain_themselves(refused):
    state = {"_parameters": {}, "_buffers": {}, "_modules": {}}
    module = called("training.networks.Generator", state=state)
    deep = module
    for _ in range(60):
        deep = called("training.networks.Generator", state={"_modules": {"m": deep}})
    assert "nested deeper" in refused(dumped({"G": deep}))
    itself = program(GENERATOR, b")\x81\x94}", text("_modules"), b"}", text("m"), b"h\x00ssb")
    assert "nested deeper" in refused(itself)


def test_the_text_of_a_program_is_dropped(tmp_path, monkeypatch):
    """NVIDIA's pickles hold one, which their own loader runs."""
    monkeypatch.chdir(tmp_path)
    source = f"import os; os.system({COMMAND!r})"
    network = tree(generator_state(), {}, persistent("Generator", source))
    (tmp_path / "file.pkl").write_bytes(dumped({"G_ema": network}))
    assert read_imported([tmp_path / "file.pkl"]).model == "stylegan2"
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_torchs_own_formats(refused, tmp_path, zipped):
    file = io.BytesIO()
    torch.save({"weight": Bomb()}, file, _use_new_zipfile_serialization=zipped)
    assert "posix.system', which no weights need: refused" in refused(file.getvalue())


@pytest.mark.parametrize("place", range(4))
def test_every_pickle_of_the_old_format(refused, place):
    parts = [pickle.dumps(1001, 2), pickle.dumps({"little_endian": True}, 2), pickle.dumps({}, 2)]
    parts.append(pickle.dumps([], 2))
    parts[place] = pickle.dumps(Bomb(), 2)
    assert "posix.system" in refused(OLD_FORMAT + b"".join(parts))


def test_a_storage_that_is_cut_off(refused):
    file = io.BytesIO()
    torch.save(generator_state(), file, _use_new_zipfile_serialization=False)
    refused(file.getvalue()[:-10])


def test_members_of_other_sizes(refused, tmp_path):
    file = io.BytesIO()
    torch.save(generator_state(), file)
    changed = io.BytesIO()
    with zipfile.ZipFile(file) as archive, zipfile.ZipFile(changed, "w") as other:
        for name in archive.namelist():
            content = archive.read(name)
            other.writestr(zipfile.ZipInfo(name), content[:-4] if "/data/" in name else content)
    refused(changed.getvalue())


def test_what_is_no_module_is_no_network(tmp_path):
    states = [7, "text", [1], {"_modules": 3}, {"_modules": {1: 2}, "_parameters": {3: 4}}]
    for state in states:
        made = StandIn()
        made.__setstate__(state)
        assert networks_of({"G": made, 5: made}, "file") == []
    one = StoredTensor(torch.zeros(1))
    assert networks_of({"G": {3: one}}, "file") == []
