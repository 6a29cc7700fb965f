"""Check a checkpoint's file before torch reads it.

torch does not compare checksums when it reads, unpacks compressed members to any size, and hashes
whatever a pickle offers as a key. So the file is read once before: what is left to torch is
whole, no larger than the file, and of a size that its length warrants.
"""

import pickletools
import re
import struct
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from ganzoo.errors import InputError

END = struct.Struct("<4s4H2LH")
LOCATOR_64 = struct.Struct("<4sLQL")
ENDS = struct.Struct("<" + "4sQ2H2L4Q" + "4sLQL" + "4s4H2LH")
"""The end for large archives, what points to it, and the end, which every archive has."""
LOCAL_HEADER = struct.Struct("<4s5H3L2H")
UTF_8 = 0x800
"""The flag that a member's name is UTF-8."""
UNREADABLE = (
    zipfile.BadZipFile,
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    ArithmeticError,
    struct.error,
)
"""What Python's zipfile raises on bytes that are no archive."""
LARGEST_PICKLE = 2**25
DEEPEST_TUPLE = 100

Operation = tuple[pickletools.OpcodeInfo, Any, int | None]
"""An operation of a pickle, its argument, and where it is."""


class DamagedCheckpoint(InputError):  # noqa: N818 - a kind of InputError, which says so
    """A file that is truncated, overwritten or unreadable: an older one may still be good."""


def verify(file: BinaryIO, path: Path) -> None:
    """Check that every byte is as it was written, and that reading it is harmless.

    The archive's tables are compared with one another, so that torch cannot find other members
    than those checked here. Memory is bounded by the largest pickle that is allowed, 32 MiB.

    Args:
        file: The open file; its position is changed.
        path: Its name, for messages.

    Raises:
        DamagedCheckpoint: if the file is no zip archive, is truncated, contradicts itself, or a
            member's checksum does not match.
        InputError: if members are compressed, overlap, share a name or have names that lead out
            of the archive, or the pickle asks for more work than its length warrants.
    """
    try:
        count = _check_ends(file)
        archive = zipfile.ZipFile(file)
        members = archive.infolist()
        if len(members) != count:
            raise zipfile.BadZipFile("the table of members has another length")
        for member in members:
            _check_header(file, member)
        problem = _problem(members, archive.start_dir)
        bad = None if problem else archive.testzip()
    except UNREADABLE as error:
        raise DamagedCheckpoint(
            f"{path} is damaged or is no checkpoint: use another one"
        ) from error
    if problem:
        raise InputError(f"{path} is refused: {problem}")
    if bad is not None:
        raise DamagedCheckpoint(f"{path} is damaged, a checksum does not match: use another one")
    for member in members:
        if member.filename.lower().endswith("data.pkl"):
            _check_pickle(archive, member, path)


def _check_ends(file: BinaryIO) -> int:
    """A member comes first, and all ways to the table of members lead to the same one, at last.

    Returns:
        The number of members.
    """
    file.seek(0)
    if file.read(4) != b"PK\3\4":  # torch reads a file that starts otherwise in its old format
        raise zipfile.BadZipFile("the archive does not start with a member")
    size = file.seek(0, 2)
    file.seek(max(size - ENDS.size, 0))
    tail = file.read()
    end = END.unpack(tail[-END.size :])
    place, count, length, start = size - END.size, *end[4:7]
    if tail[-END.size - LOCATOR_64.size :].startswith(b"PK\6\7"):
        place = size - ENDS.size
        count, length, start = _large_table(tail, place)
    if end[0] != b"PK\5\6" or end[7] or start + length != place:
        raise zipfile.BadZipFile("the archive does not end with its table of members")
    return int(count)


def _large_table(tail: bytes, place: int) -> tuple[int, int, int]:
    """Members, length and start of the table as the end for large archives has them."""
    large, end = ENDS.unpack(tail)[:10], ENDS.unpack(tail)[14:]
    pointer = ENDS.unpack(tail)[12]
    limits = (0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
    pairs = zip(end[4:7], large[7:], limits, strict=True)
    same = all(short in {full, limit} for short, full, limit in pairs)
    if large[0] != b"PK\6\6" or pointer != place or not same:
        raise zipfile.BadZipFile("the two ends differ")
    return large[7], large[8], large[9]


def _check_header(file: BinaryIO, member: zipfile.ZipInfo) -> None:
    """What is written beside a member must be what the table of members says."""
    file.seek(member.header_offset)
    header = LOCAL_HEADER.unpack(file.read(LOCAL_HEADER.size))
    name = file.read(header[-2]).decode("utf-8" if header[2] & UTF_8 else "cp437")
    beside = (header[0], header[2], header[3], name)
    stored = member.compress_type == zipfile.ZIP_STORED
    if beside != (b"PK\3\4", member.flag_bits, member.compress_type, member.orig_filename) or (
        stored and member.compress_size != member.file_size
    ):
        raise zipfile.BadZipFile("a member is described in two ways")


def _problem(members: list[zipfile.ZipInfo], size: int) -> str | None:
    """Why an archive that was not damaged by chance is refused."""
    names = [member.orig_filename for member in members]
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        return "it is compressed, which checkpoints never are"
    if sum(LOCAL_HEADER.size + member.file_size for member in members) > size:
        return "its members are larger than the file"
    if any(_leads_out(name) for name in names):
        return "a name in it leads out of the archive"
    if len({name.lower() for name in names}) < len(names):
        return "two of its members have the same name"
    return None


def _leads_out(name: str) -> bool:
    parts = re.split(r"[/\\]", name)
    return "\\" in name or not parts[0] or ".." in parts or bool(re.match("[A-Za-z]:", name))


def _check_pickle(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> None:
    if member.file_size > LARGEST_PICKLE:
        raise InputError(f"{path} is refused: it describes more than any checkpoint does")
    program = archive.read(member)
    try:
        check_work(pickletools.genops(program), len(program))
    except (LookupError, ValueError) as error:
        raise InputError(f"{path} is refused: its description makes no sense") from error


def check_work(operations: Iterable[Operation], length: int) -> None:
    """Follow a pickle without making anything, and count what its operations touch.

    Args:
        operations: What ``pickletools.genops`` finds in it.
        length: Of the pickle in bytes.

    Raises:
        LookupError, ValueError: if it is malformed, or asks for more work than its length warrants.
    """
    _Stack().run(operations, length)


class _Stack:
    """Follows a pickle without making anything, and counts the parts of its tuples.

    A tuple is hashed as a dictionary's key through all its parts. With parts that are shared
    this takes 2**depth steps, and a very deep one overruns the interpreter's own stack.
    """

    def __init__(self) -> None:
        self.top: list[tuple[int, int]] = []  # parts, and depth, of each object
        self.below: list[list[tuple[int, int]]] = []
        self.memo: dict[Any, tuple[int, int]] = {}

    def run(self, operations: Iterable[Operation], length: int) -> None:
        """Raise ValueError or LookupError if the pickle is malformed or asks for too much work."""
        left = 100_000 + 10 * length
        for opcode, argument, _ in operations:
            if opcode.name == "MARK":
                self.below.append(self.top)
                self.top = []
            elif opcode.name == "MEMOIZE":
                self.memo[len(self.memo)] = self.top[-1]
            elif "PUT" in opcode.name:
                if argument > length:  # the unpickler makes room for as many
                    raise ValueError("more objects than the length warrants")
                self.memo[argument] = self.top[-1]
            elif "GET" in opcode.name:
                self.top.append(self.memo[argument])
            else:
                left -= self._apply(opcode)
            if left < 0:
                raise ValueError("more work than the length warrants")

    def _apply(self, opcode: pickletools.OpcodeInfo) -> int:
        """Take an operation's operands, push its results; return how many parts it touches."""
        before, taken = opcode.stack_before, []
        if pickletools.markobject in before:
            taken, self.top = self.top, self.below.pop()
            before = before[: before.index(pickletools.markobject)]
        for _ in before:
            taken.append(self.top.pop())
        parts = 1 + sum(part for part, _ in taken)
        depth = 1 + max((depth for _, depth in taken), default=0)
        if "TUPLE" not in opcode.name:
            self.top.extend((1, 0) for _ in opcode.stack_after)
        elif depth > DEEPEST_TUPLE:
            raise ValueError("tuples too deep")
        else:
            self.top.append((parts, depth))
        return parts
