"""Files that are damaged or made to harm are noticed before torch reads them."""

import pickle
import random
import struct
import tracemalloc
import zipfile
import zlib

import pytest
import torch

import ganzoo
from ganzoo.checkpoints.reading import read
from ganzoo.checkpoints.verification import DamagedCheckpoint, verify


def damage(path):
    with pytest.raises(DamagedCheckpoint) as caught:
        read(path)
    return str(caught.value)


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def raw_archive(entries, before=b""):
    """An archive of (name, method, size it claims, offset it claims or None, bytes)."""
    body, table = before, b""
    for name, method, size, offset, content in entries:
        checksum = zlib.crc32(content)
        offset = len(body) if offset is None else offset
        fields = (20, 0, method, 0, 33, checksum, len(content) if method else size, size)
        sizes = struct.pack("<5H3L2H", *fields, len(name), 0)
        body += b"PK\3\4" + sizes + name + content
        table += (
            b"PK\1\2" + struct.pack("<H", 20) + sizes + struct.pack("<3H2L", 0, 0, 0, 0, offset)
        )
        table += name
    count = len(entries)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(table), len(body), 0)
    return body + table + end


def plain(contents):
    return [(name.encode(), 0, len(content), None, content) for name, content in contents.items()]


def test_an_archive_made_by_hand_is_read(path):
    path.write_bytes(raw_archive(plain(members(path))))
    assert ganzoo.load(path).sample(3, seed=0).shape == (3, 2)


def zeros_deflated(megabytes):
    """A deflate stream of so many megabytes of zeros, made of one block again and again."""
    press = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = press.compress(bytes(2**20)) + press.flush(zlib.Z_FULL_FLUSH)
    return block * megabytes + zlib.compressobj(9, zlib.DEFLATED, -15).flush()


def test_a_gigabyte_in_a_megabyte(path, refusal):
    content = zeros_deflated(1024)
    assert len(zlib.decompressobj(-15).decompress(content, 2**21)) == 2**21  # it is a bomb
    bomb = (b"archive/data/0", 8, 2**30, None, content)
    path.write_bytes(raw_archive([*plain(members(path)), bomb]))
    tracemalloc.start()
    line = refusal(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "compressed" in line
    assert peak < 2**24


def test_members_larger_than_the_file(path, refusal):
    path.write_bytes(raw_archive([(b"archive/data.pkl", 0, 2**31, None, b"x" * 100)]))
    assert "larger than the file" in refusal(path)


def test_members_inside_one_another(path, refusal):
    """Each member holds the headers and contents of all that come after it."""
    names = [b"archive/%03d" % number for number in range(200)]
    total = len(names) * (30 + len(names[0]))
    entries = []
    for number, name in enumerate(names):
        end = (number + 1) * (30 + len(name))
        entries.append((name, 0, total - end, None, b""))
    path.write_bytes(raw_archive(entries))
    assert "larger than the file" in refusal(path)


def test_members_at_the_same_place(path):
    path.write_bytes(
        raw_archive([(b"archive/data.pkl", 0, 3, None, b"abc"), (b"archive/b", 0, 3, 0, b"")])
    )
    assert "is damaged" in damage(path)


@pytest.mark.parametrize(
    "name",
    ["../evil", "archive/../../evil", "/tmp/evil", "archive\\..\\evil", "C:/evil", "C:evil", ".."],
)
def test_names_that_lead_out_of_the_archive(path, refusal, name):
    path.write_bytes(raw_archive(plain(members(path) | {name: b"evil"})))
    assert "leads out of the archive" in refusal(path)


@pytest.mark.parametrize("name", [b"archive/data.pkl", b"Archive/DATA.pkl"])
def test_two_members_of_one_name(path, refusal, name):
    path.write_bytes(raw_archive([*plain(members(path)), (name, 0, 1, None, b".")]))
    assert "the same name" in refusal(path)


def checked(path):
    with path.open("rb") as file:
        verify(file, path)


@pytest.mark.parametrize(("place", "size"), [(-34, 8), (-66, 8), (-12, 2), (-10, 4)])
def test_ends_that_differ(path, place, size):
    """Python's reader looks for a table beside the end, and torch's where the end points to."""
    checked(path)
    content = bytearray(path.read_bytes())
    number = int.from_bytes(content[place : place + size], "little")
    content[place : place + size] = (number - 1).to_bytes(size, "little")
    path.write_bytes(content)
    with pytest.raises(DamagedCheckpoint):
        checked(path)


def test_two_archives_in_one_file(path):
    """Python's reader would check the second, and torch would read the first."""
    archive = raw_archive(plain(members(path)))
    path.write_bytes(archive + archive)
    assert zipfile.ZipFile(path).testzip() is None
    with pytest.raises(DamagedCheckpoint):
        checked(path)


def test_a_table_that_hides_members(path):
    """The note of one member, as long as all that follows, ends the table for Python's reader."""
    content = bytearray(raw_archive(plain(members(path))))
    start = content.find(b"PK\1\2")
    name = int.from_bytes(content[start + 28 : start + 30], "little")
    rest = len(content) - 22 - (start + 46 + name)
    content[start + 32 : start + 34] = rest.to_bytes(2, "little")
    path.write_bytes(content)
    assert len(zipfile.ZipFile(path).namelist()) == 1
    with pytest.raises(DamagedCheckpoint):
        checked(path)


@pytest.mark.parametrize("before", [b".", pickle.dumps({1: 2}, protocol=2)])
def test_an_archive_behind_something_else(path, refusal, before):
    """Torch goes by the first bytes: it would read what is before the archive."""
    path.write_bytes(raw_archive(plain(members(path)), before))
    assert zipfile.is_zipfile(path)
    assert "is damaged" in damage(path)
    refusal(path)


def test_one_bit_of_a_weight(path, refusal):
    """Torch reads this file without a word, and other weights than were written."""
    content = bytearray(path.read_bytes())
    weights = members(path)["archive/data/3"]
    content[content.find(weights) + len(weights) // 2] ^= 1
    path.write_bytes(content)
    torch.load(path, weights_only=True)
    assert "checksum does not match" in damage(path)
    refusal(path)


def test_truncated_anywhere(path, original):
    lengths = [round(len(original) * part / 40) for part in range(40)]
    for length in [*lengths, *(len(original) - cut for cut in (1, 21, 22, 23, 42, 97, 98))]:
        path.write_bytes(original[:length])
        assert "is damaged" in damage(path), length


def test_bits_flipped_anywhere(path, original):
    """Where a flip is not noticed it was in a date or a gap: the contents are the same."""
    before = members(path)
    chance = random.Random(0)
    for place in chance.sample(range(len(original)), 60):
        content = bytearray(original)
        content[place] ^= 1 << chance.randrange(8)
        path.write_bytes(content)
        try:
            read(path)
        except DamagedCheckpoint:
            continue
        assert members(path) == before, place


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\3\4", bytes(5000), b"PK\5\6" + bytes(18)])
def test_files_that_were_never_written(path, content):
    path.write_bytes(content)
    assert "is damaged or is no checkpoint" in damage(path)


def test_random_bytes(path):
    path.write_bytes(b"PK\3\4" + random.Random(0).randbytes(5000))
    assert "is damaged or is no checkpoint" in damage(path)


def test_a_folder(path, refusal):
    path.unlink()
    path.mkdir()
    assert "is a folder" in refusal(path)


def test_whatever_torch_saves_of_plain_values_is_accepted(tmp_path):
    shared = (1, 2.0, "three")
    values = {
        "random": random.getstate(),
        "history": [float(number) for number in range(20_000)],
        "shared": [shared] * 20_000,
        "table": {(number, str(number)): {"a": number} for number in range(5000)},
        "nested": [[[[[["deep"] * 3] * 3] * 3] * 3] * 3],
        "tensors": {str(number): torch.zeros(number % 7, 3) for number in range(300)},
        "none": [None, True, 2**200, -1, b"bytes", "", "ß", set(), complex(1, 2)],
    }
    torch.save(values, tmp_path / "values.pt")
    with (tmp_path / "values.pt").open("rb") as file:
        verify(file, tmp_path / "values.pt")
    loaded = torch.load(tmp_path / "values.pt", weights_only=False)
    tensors = values.pop("tensors"), loaded.pop("tensors")
    assert loaded == values
    torch.testing.assert_close(*tensors)
