"""Children that end with us, whatever happens, and that Ctrl-C at the terminal does not reach: we end them in order."""

import asyncio
import contextlib
import ctypes
import signal

PR_SET_PDEATHSIG = 1


class Failure(Exception):
    """Ends the program with its text, which is for the person who started it."""


def killed_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def ended_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


async def end(process, number=signal.SIGTERM, patience_s=20.0):
    """@return Whether it followed in time; if not, it was killed."""
    if process.returncode is not None:
        return True
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)
    try:
        await asyncio.wait_for(process.wait(), patience_s)
        return True
    except (TimeoutError, asyncio.TimeoutError):
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        return False
