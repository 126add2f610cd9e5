"""The broker that everybody consumes from: tests/real_broker/cluster, with a JVM that is quick under load."""

import json
import os
import select
import signal
import subprocess
import time

from . import processes
from .consumers import CLUSTER, VERSION
from .processes import Failure

START_DEADLINE_S = 180

# Overrides what the cluster program chooses for tests, which is light and slow.
JVM = ["-Xms1g", "-Xmx2g", "-XX:MaxDirectMemorySize=4g", "-XX:-UseSerialGC", "-XX:+UseG1GC", "-XX:TieredStopAtLevel=4"]
# A small machine's broker would soon take its messages for cold ones, and answer with 8 instead of 32.
SETTINGS = ["maxTransferCountOnMessageInDisk=32", "maxTransferBytesOnMessageInDisk=262144",
            "mappedFileSizeCommitLog=268435456"]


class Cluster:
    def __init__(self, log):
        command = [str(CLUSTER), "start", VERSION]
        command += [f"--jvm={flag}" for flag in JVM]
        for setting in SETTINGS:
            command += ["--set", setting]
        self.log = log
        with open(log, "wb") as err:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err,
                start_new_session=True, preexec_fn=processes.die_with_parent)
        self.environment = {}
        try:
            self._read_environment()
        except BaseException:
            self.stop()
            raise

    def _read_environment(self):
        deadline = time.monotonic() + START_DEADLINE_S
        text = ""
        while "ROCKETPUSH_JAVA_HELPER=" not in text or not text.endswith("\n"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Failure(f"the RocketMQ cluster did not start:\n{self.log.read_text().strip()[-2000:]}")
            if select.select([self.process.stdout], [], [], 0.1)[0]:
                text += os.read(self.process.stdout.fileno(), 4096).decode()
        for line in text.splitlines():
            name, _, value = line.removeprefix("export ").partition("=")
            self.environment[name] = value

    @property
    def namesrv(self):
        return self.environment["ROCKETPUSH_NAMESRV"]

    def create_topics(self, topics):
        """`topics`: name -> queues. The helper ends with its input, so its JVM is not there when we measure."""
        words = "".join(f"create-topic {name} {queues}\n" for name, queues in topics.items()) + "quit\n"
        helper = self.environment["ROCKETPUSH_JAVA_HELPER"]
        with subprocess.Popen([helper], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                              preexec_fn=processes.die_with_parent) as process:
            try:
                out, _ = process.communicate(words, timeout=180)
            except BaseException:
                process.kill()
                raise
        answers = [json.loads(line) for line in out.splitlines() if line.startswith('{"reply":"create-topic"')]
        bad = [answer for answer in answers if not answer["ok"]]
        if bad or len(answers) != len(topics):
            raise Failure(f"topics could not be made: {bad or out[-500:]}")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
