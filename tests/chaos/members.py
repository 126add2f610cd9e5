"""Members of the group: processes that print each message that they consume. Each life has a number: cat-2.7."""

import asyncio
import json
import signal
import time

from . import plan, processes

STOP_S = 40  # a clean stop that takes longer is none
LINE_LIMIT = 1 << 20
BLANK_FIELDS = ("brokerName", "queueId", "queueOffset", "body")


class Member:
    """`command` starts it; `told` is what it is told on its standard input, and how it is asked to end."""

    def __init__(self, name, ledger, logs):
        self.name = name
        self.lives = 0
        self._ledger = ledger
        self._logs = logs
        self._process = None
        self._reading = None
        self._is_told_to_end = False

    @property
    def life(self):
        return f"{self.name}.{self.lives}"

    @property
    def pid(self):
        return self._process.pid if self.is_running else None

    @property
    def is_running(self):
        return self._process is not None and self._process.returncode is None

    async def start(self):
        self.lives += 1
        self._is_told_to_end = False
        with open(self._logs / f"{self.life}.log", "wb") as err:
            self._process = await asyncio.create_subprocess_exec(
                *self.command(), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=err, limit=LINE_LIMIT,
                start_new_session=True, preexec_fn=processes.killed_with_parent)
        self._reading = asyncio.create_task(self._read(self.life, self._process))
        self.greet()

    async def kill(self):
        self._is_told_to_end = True
        if self.is_running:
            self._process.send_signal(signal.SIGKILL)
        await self._finish()

    async def stop(self):
        """@return Seconds that it took."""
        self._is_told_to_end = True
        began = time.monotonic()
        if not await processes.end(self._process, self.farewell(), STOP_S):
            self._ledger.broken.append(f"{self.life} did not end within {STOP_S} s of being asked to")
        elif self._process.returncode != 0:
            self._ledger.broken.append(f"{self.life} ended with {self._process.returncode} when it was asked to stop")
        await self._finish()
        return time.monotonic() - began

    async def _finish(self):
        """What it had printed counts."""
        if self._process:
            await self._process.wait()
            await self._reading

    async def _read(self, life, process):
        while line := await process.stdout.readline():
            at = time.monotonic()
            if b'"event":"message"' in line:
                told = json.loads(line)
                self._ledger.consume(life, *(told[field] for field in BLANK_FIELDS[:3]), int(told["body"]), at)
            else:
                self.hear(line)
        await process.wait()
        if not self._is_told_to_end:
            self._ledger.broken.append(f"{life} ended by itself, with {process.returncode}")

    def greet(self):
        pass

    def hear(self, line):
        pass


class Cat(Member):
    """`rocketcat consume`."""

    def __init__(self, name, ledger, logs, rocketcat, namesrv, group, topic):
        super().__init__(name, ledger, logs)
        self._command = [str(rocketcat), "consume", "--namesrv", namesrv, "--group", group, "--topic", topic, "--from", "first",
                         "--threads", "4", "--output", "json"]

    def command(self):
        return [*self._command, "--instance", self.life]

    def farewell(self):
        return signal.SIGTERM


class JavaMember(Member):
    """A JVM of its own with the Java helper in it; it joins when it is up."""

    def __init__(self, ledger, logs, helper, group, topic):
        super().__init__(plan.JAVA, ledger, logs)
        self._helper = helper
        self._join = f"join {group} {topic} name={plan.JAVA} from=first\n".encode()

    def command(self):
        return [self._helper]

    def greet(self):
        self._process.stdin.write(self._join)

    def hear(self, line):
        if line.startswith(b'{"reply":"join","ok":false'):
            asyncio.get_running_loop().call_later(1, self._join_again, self._process)

    def _join_again(self, process):
        if process.returncode is None and not self._is_told_to_end:
            process.stdin.write(self._join)

    def farewell(self):
        self._process.stdin.write(b"quit\n")  # the members leave, and the helper ends
        return 0
