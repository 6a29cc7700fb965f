"""Several processes: forked for functions, started as a user starts them for scripts."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

MARK = "GANZOO_TEST_RUN"


def _process(rank, world_size, folder, function, results):
    try:
        torch.set_num_threads(1)
        dist.init_process_group(
            "gloo", init_method=f"file://{folder}/store", rank=rank, world_size=world_size
        )
        results.put((rank, function(rank), None))
    except BaseException:
        results.put((rank, None, traceback.format_exc()))
    finally:
        results.close()
        results.join_thread()
        os._exit(0)


@pytest.fixture
def processes(tmp_path):
    """Call a function with its rank in each of several processes; return what each returned."""

    def call(world_size, function):
        context = multiprocessing.get_context("fork")
        results = context.Queue()
        started = [
            context.Process(target=_process, args=(rank, world_size, tmp_path, function, results))
            for rank in range(world_size)
        ]
        for process in started:
            process.start()
        try:
            answers = {a[0]: a[1:] for a in (results.get(timeout=60) for _ in started)}
        finally:
            for process in started:
                process.kill()
                process.join()
        for _, error in answers.values():
            assert error is None, error
        return [answers[rank][0] for rank in range(world_size)]

    return call


class Finished:
    """How a command ended, and how long after the failure that it wrote down."""

    def __init__(self, command, folder, environment, limit):
        mark = f"{folder}-{time.monotonic_ns()}"
        with (folder / "out").open("w") as out, (folder / "err").open("w") as err:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                stdout=out,
                stderr=err,
                env=os.environ | environment | {MARK: mark},
                start_new_session=True,
            )
        deadline = time.monotonic() + limit
        while (left := _marked(mark)) and time.monotonic() < deadline:
            time.sleep(0.1)
        self.ended = time.time()
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        self.code = self.process.wait()
        self.left, self.out, self.err = left, *((folder / n).read_text() for n in ("out", "err"))


def _marked(mark):
    """Processes that the command has started and that still run, whoever their parent is."""
    wanted, found = f"{MARK}={mark}".encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            zombie = (folder / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
            if not zombie and wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


@pytest.fixture(scope="session")
def start():
    """Run a Python command in a folder until all of its processes have ended."""
    if not Path("/proc/self/environ").exists():
        pytest.skip("needs /proc to see which processes are left")

    def call(folder, *words, limit=120, module=None, **environment):
        program = ["-m", module] if module else []
        settings = {"OMP_NUM_THREADS": "1"} | environment
        return Finished([sys.executable, *program, *words], folder, settings, limit)

    return call
