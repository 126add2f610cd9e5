"""Processes that are measured: started so that their figures are their own, ended by their own ids.

A process inherits at its start the peak memory of the one that forked it, and a Python interpreter is larger than what
is measured here. So a shell forks the program and ends; we are the subreaper that the program falls to, and wait4 then
tells about the program alone.
"""

import contextlib
import ctypes
import os
import select
import shutil
import signal
import subprocess
import time

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
CPUCLOCK_SCHED = 2  # <linux/posix-timers.h>: what clock_getcpuclockid makes of a process id

_running = {}  # id -> Child


class Failure(Exception):
    """Ends the program, or a measurement, with its text, which is for the person who started it."""


class Child:
    def __init__(self, pid, name, began):
        self.pid = pid
        self.name = name
        self.began = began
        self.status = None
        self.usage = None

    def cpu_seconds(self):
        """User and system time so far, all threads, to the nanosecond (/proc has ticks of 10 ms)."""
        return time.clock_gettime((~self.pid << 3) | CPUCLOCK_SCHED)

    def wait(self, seconds):
        """True when it has ended; then `status` and `usage` are there."""
        if self.status is None:
            descriptor = os.pidfd_open(self.pid)
            try:
                if not select.select([descriptor], [], [], max(0, seconds))[0]:
                    return False
            finally:
                os.close(descriptor)
            _, raw, self.usage = os.wait4(self.pid, 0)
            self.status = os.waitstatus_to_exitcode(raw)
            _running.pop(self.pid, None)
        return True

    def end(self, patience_s=10):
        """As a person would end it; should it not follow, for certain."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.status is not None:
                return
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)
            self.wait(patience_s)


def become_subreaper():
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise Failure("this system has no subreapers (prctl): peak memory cannot be told apart")


def start(name, command, stdout, stderr):
    """Starts a program; `stdout` and `stderr` are file descriptors."""
    if not (shutil.which(command[0])):
        raise Failure(f"{name}: {command[0]} is not there, or cannot be run")
    reader, writer = os.pipe()
    began = time.monotonic()
    shell = os.posix_spawn(
        "/bin/sh", ["sh", "-c", '"$@" 3>&- & echo $! >&3', "sh", *command], os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, stdout, 1),
            (os.POSIX_SPAWN_DUP2, stderr, 2),
            (os.POSIX_SPAWN_DUP2, writer, 3),
        ],
        setsid=True)  # a Ctrl-C at the terminal reaches us alone, and we end it in order
    os.close(writer)
    with open(reader, encoding="ascii") as pipe:
        line = pipe.readline()
    os.waitpid(shell, 0)
    if not line.strip():
        raise Failure(f"{name}: the shell could not start {command[0]}")
    child = Child(int(line), name, began)
    _running[child.pid] = child
    return child


def end_all():
    for child in list(_running.values()):
        child.end(patience_s=5)


def die_with_parent():
    """In a new child, before its program: should we be killed outright, it is told to end."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def run_quietly(what, command, seconds, **options):
    """The output of a helper that is not measured; its words are shown when it fails."""
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              preexec_fn=die_with_parent, **options) as process:
            try:
                out, err = process.communicate(timeout=seconds)
            except BaseException:  # Ctrl-C too
                process.terminate()
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()
                raise
    except FileNotFoundError as missing:
        raise Failure(f"{what}: {missing.filename} is not there") from None
    except subprocess.TimeoutExpired:
        raise Failure(f"{what} took longer than {seconds} s") from None
    if process.returncode != 0:
        raise Failure(f"{what} failed ({process.returncode}): {(err or out).strip()[-2000:]}")
    return out
