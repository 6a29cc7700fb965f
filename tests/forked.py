"""A command of ours as a process of its own, forked so that its imports are paid once for all.

Signals, limits and exit codes are those of a process; what starts one, ``python -m`` and the
launcher of several devices, needs a Python of its own: see :mod:`subprocess`.
"""

import os
import signal
import subprocess
import sys
import time
import traceback

import ot  # noqa: F401

import ganzoo.composition.session  # noqa: F401 - what a command imports late


class Forked:
    """What tests need of ``subprocess.Popen``: the leader of a session, in a folder.

    Args:
        main: The command's function.
        words: Its command line.
        folder: Where it runs.
        outputs: A new folder for what it prints.
    """

    def __init__(self, main, words, folder, outputs):
        self.words, self.returncode = words, None
        outputs.mkdir()
        self.outputs = [outputs / name for name in ("out", "err")]
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            os.chdir(folder)
            _redirect(self.outputs)
            sys.argv = [main.__module__, *words]
            _end(main)

    def poll(self):
        if self.returncode is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if ended else None
        return self.returncode

    def wait(self, timeout=200):
        until = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired(self.words, timeout)
            time.sleep(0.01)
        return self.returncode

    def communicate(self, timeout=200):
        self.wait(timeout)
        return tuple(path.read_text() for path in self.outputs)


def _redirect(outputs):
    for number, (name, path) in enumerate(zip(("stdout", "stderr"), outputs, strict=True), 1):
        os.dup2(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND), number)
        setattr(sys, name, os.fdopen(number, "w", buffering=1, closefd=False))


def _end(main):
    """Call a function and end as Python would, without the tests that stand above on the stack."""
    code = 1
    try:
        main()
        code = 0
    except SystemExit as stop:
        code = stop.code or 0
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
