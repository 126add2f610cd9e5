"""The measurements. Each is one dictionary of raw figures; what they mean is figures.py's concern."""

import array
import contextlib
import dataclasses
import json
import math
import os
import pathlib
import random
import select
import sys
import time

from . import processes
from .processes import Failure, run_quietly

QUEUES = 8
MANY_QUEUES = 256
RATE = 1000  # messages a second where latency is measured
BINS_PER_DECADE = 10  # of the latency histogram


@dataclasses.dataclass(frozen=True)
class Load:
    name: str
    about: str
    size: int  # bytes of a body
    share: float  # of --messages
    produce: tuple

    @property
    def topic(self):
        return f"bench-{self.name}"


LOADS = (
    Load("128", "128 B bodies, no properties", 128, 1.0, ()),
    Load("1k", "1 KiB bodies with 3 properties", 1024, 0.5,
         ("--tags", "paid", "--keys", "order-{}", "--property", "region=north")),
)


@dataclasses.dataclass(frozen=True)
class Plan:
    rounds: int
    messages: int
    latency_s: int
    latency_skip_s: int
    lead_s: float  # from the start of a consumer to the first message sent
    idle_settle_s: float
    idle_window_s: float
    idle_windows: int
    parts: tuple

    @staticmethod
    def of(arguments, parts):
        if arguments.quick:
            # Idle, the floor does nothing at all but once in the turn of a held pull.
            return Plan(1, min(arguments.messages, 50_000), 2, 1, 2, 2, 20, 1, parts)
        # The broker holds an idle pull for 15 or 20 s, all queues' about alike: a minute has whole turns of either.
        return Plan(arguments.rounds, arguments.messages, 8, 2, 3, 10, 60, 2, parts)

    def count(self, load):
        return max(1, int(self.messages * load.share))


def parts_of(plan, peers):
    """How many steps there are, for the progress."""
    a_round = 0
    if "throughput" in plan.parts:
        a_round += sum(2 if peer.has_batches else 1 for peer in peers) * len(LOADS)
    if "latency" in plan.parts:
        a_round += len(peers)
    if "start" in plan.parts:
        a_round += len(peers)
    return a_round * plan.rounds + (plan.idle_windows if "idle" in plan.parts else 0)


class Progress:
    def __init__(self, steps):
        self.steps = steps
        self.done = 0
        self.began = time.monotonic()

    def say(self, text):
        print(f"bench-peers: {text}", file=sys.stderr, flush=True)

    def step(self, text):
        self.done += 1
        spent = int(time.monotonic() - self.began)
        left = ""
        if self.done > 5:
            remaining = int(spent / self.done * (self.steps - self.done))
            left = f", about {remaining // 60}:{remaining % 60:02} left"
        self.say(f"[{self.done:{len(str(self.steps))}}/{self.steps} {spent // 60}:{spent % 60:02}{left}] {text}")


class Bench:
    """One run of the script against one cluster; `results` grows as it goes."""

    def __init__(self, plan, peers, rocketcat, cluster, scratch, progress):
        self.plan = plan
        self.peers = peers
        self.rocketcat = str(rocketcat)
        self.cluster = cluster
        self.scratch = pathlib.Path(scratch)
        self.progress = progress
        self.groups = 0
        self.results = {"throughput": [], "latency": [], "start": [], "idle": [], "failures": []}

    # Topics -----------------------------------------------------------------------------------------------------------

    def fill(self):
        latency = {self._latency_topic(round_, peer): QUEUES for round_ in range(1, self.plan.rounds + 1)
                   for peer in self.peers} if "latency" in self.plan.parts else {}
        self.cluster.create_topics({**{load.topic: QUEUES for load in LOADS}, "bench-idle-8": QUEUES,
                                    "bench-idle-256": MANY_QUEUES, **latency})
        for load in LOADS:
            if not {"throughput", "start"} & set(self.plan.parts):
                break
            count = self.plan.count(load)
            self.progress.say(f"filling {load.topic}: {count:,} messages, {load.about}")
            out = run_quietly(f"filling {load.topic}", [
                self.rocketcat, "produce", "--namesrv", self.cluster.namesrv, "--topic", load.topic, "--count",
                str(count), "--size", str(load.size), "--batch", "64", "--in-flight", "64", *load.produce], 900)
            sent = json.loads(out.strip().splitlines()[-1])
            if sent["sent"] != count:
                raise Failure(f"filling {load.topic}: {sent['sent']} of {count} messages were sent")
        # The broker's own compiler gets to work before anybody is measured.
        if "throughput" in self.plan.parts:
            for load in LOADS:
                for _ in range(1 if self.plan.rounds == 1 else 3):
                    self._consume_all(self.peers[0], load, 1)

    @staticmethod
    def _latency_topic(round_, peer):
        return f"bench-latency-{round_}-{peer.name}"

    def _fresh_group(self, peer):
        self.groups += 1
        return f"bench-{os.getpid()}-{self.groups}-{peer.name}"

    # All rounds -------------------------------------------------------------------------------------------------------

    def run(self):
        for round_ in range(1, self.plan.rounds + 1):
            # Interleaved, and nobody always comes first or always after the heaviest.
            order = list(self.peers)
            random.Random(round_).shuffle(order)
            if "throughput" in self.plan.parts:
                for load in LOADS:
                    for batch in (1, 32):
                        for peer in order:
                            if batch == 1 or peer.has_batches:
                                self._throughput(round_, peer, load, batch)
            if "latency" in self.plan.parts:
                for peer in order:
                    self._latency(round_, peer)
            if "start" in self.plan.parts:
                for peer in order:
                    self._start(round_, peer)
        if "idle" in self.plan.parts:
            self._idle()

    @contextlib.contextmanager
    def _recorded(self, what):
        """A peer that fails is told of and noted; the others are measured all the same."""
        try:
            yield
        except Failure as failure:
            self.progress.say(f"{what}: {failure}")
            self.results["failures"].append(f"{what}: {failure}")

    # A consumer that ends by its --count ------------------------------------------------------------------------------

    def _finished(self, child, err, limit_s):
        if not child.wait(limit_s):
            child.end()
            raise Failure(f"not done after {limit_s:.0f} s")
        if child.status != 0:
            raise Failure(f"ended with {child.status}: {pathlib.Path(err).read_text(errors='replace').strip()[-500:]}")

    def _run(self, peer, command, limit_s, meanwhile=None):
        """Result line and resource usage of a consumer; `meanwhile` runs beside it."""
        out, err = self.scratch / "out", self.scratch / "err"
        with open(out, "wb") as stdout, open(err, "wb") as stderr:
            child = processes.start(peer.name, command, stdout.fileno(), stderr.fileno())
        try:
            if meanwhile:
                meanwhile(child)
            self._finished(child, err, limit_s)
        finally:
            child.end()
        wall = time.monotonic() - child.began
        lines = out.read_text().strip().splitlines()
        try:
            told = json.loads(lines[-1])
            consumed = told["consumed"]
        except (IndexError, ValueError, TypeError, KeyError):
            raise Failure(f"the last line of its output is no result: {lines[-1:]}") from None
        usage = child.usage
        return told, {"consumed": consumed, "wall_s": wall, "user_s": usage.ru_utime, "system_s": usage.ru_stime,
                      "peak_kib": usage.ru_maxrss, "voluntary_switches": usage.ru_nvcsw,
                      "involuntary_switches": usage.ru_nivcsw}

    def _consume_all(self, peer, load, batch):
        count = self.plan.count(load)
        limit = 60 + count / 4000
        told, figures = self._run(peer, peer.consume(
            self.cluster, load.topic, self._fresh_group(peer), batch=batch, limit_s=limit + 30,
            more=["--count", str(count)]), limit)
        if figures["consumed"] < count:
            raise Failure(f"consumed {figures['consumed']} of {count} messages")
        figures["first_to_last_s"] = told["first_to_last_s"]
        for name in ("steady_messages", "steady_cpu_s", "start_to_first_s"):
            if name in told:
                figures[name] = told[name]
        return figures

    def _throughput(self, round_, peer, load, batch):
        what = f"round {round_}, {load.about}, consume batch {batch}, {peer.name}"
        with self._recorded(what):
            figures = self._consume_all(peer, load, batch)
            self.results["throughput"].append(
                {"round": round_, "peer": peer.name, "load": load.name, "batch": batch, **figures})
            million = (figures["user_s"] + figures["system_s"]) / figures["consumed"] * 1e6
            what += f": {million:.2f} CPU-s a million, {figures['consumed'] / figures['first_to_last_s']:,.0f} a second"
        self.progress.step(what)

    # Latency ----------------------------------------------------------------------------------------------------------

    def _latency(self, round_, peer):
        what = f"round {round_}, latency at {RATE} a second, {peer.name}"
        topic = self._latency_topic(round_, peer)
        count = (self.plan.latency_s + self.plan.latency_skip_s) * RATE
        limit = count / RATE + 60
        stamps = self.scratch / "latency"
        stamps.unlink(missing_ok=True)

        def produce(child):
            if child.wait(self.plan.lead_s):
                return  # its end is told by the caller
            run_quietly("the producer", [
                self.rocketcat, "produce", "--namesrv", self.cluster.namesrv, "--topic", topic, "--count", str(count),
                "--size", "128", "--rate", str(RATE), "--stamp"], limit)

        with self._recorded(what):
            self._run(peer, peer.consume(
                self.cluster, topic, self._fresh_group(peer), limit_s=limit + 60,
                more=["--count", str(count), "--latency-file", str(stamps)]), limit, produce)
            taken = array.array("q", stamps.read_bytes())
            if sys.byteorder == "big":
                taken.byteswap()
            if len(taken) < count:
                raise Failure(f"{len(taken)} of {count} latencies in its file")
            # What came while it started, and while its first code was compiled or paged in, is left out.
            kept = sorted(taken[self.plan.latency_skip_s * RATE:])
            figures = {"round": round_, "peer": peer.name, "samples": len(kept), **percentiles(kept),
                       "histogram": histogram(kept)}
            self.results["latency"].append(figures)
            what += f": p50 {figures['p50']:.2f} ms, p99 {figures['p99']:.2f}, p99.9 {figures['p99.9']:.2f}"
        self.progress.step(what)

    # Time to the first message ----------------------------------------------------------------------------------------

    def _start(self, round_, peer):
        what = f"round {round_}, start to first message, {peer.name}"
        with self._recorded(what):
            command = peer.consume(self.cluster, LOADS[0].topic, self._fresh_group(peer), output="json", limit_s=90,
                                   more=["--count", "1"])
            taken = self._until_first_line(peer, command)
            self.results["start"].append({"round": round_, "peer": peer.name, "first_message_s": taken})
            what += f": {taken * 1000:.0f} ms"
        self.progress.step(what)

    def _until_first_line(self, peer, command):
        reader, writer = os.pipe()
        err = self.scratch / "err"
        with open(err, "wb") as stderr:
            child = processes.start(peer.name, command, writer, stderr.fileno())
        os.close(writer)
        first = None
        begin = b""  # of the output, or of what may become the mark
        try:
            # All is read, or the consumer would wait for us instead of ending.
            while select.select([reader], [], [], 60)[0]:
                piece = os.read(reader, 1 << 16)
                if not piece:
                    break
                if first is None:
                    begin = begin[-64:] + piece
                    if b'"event":"message"' in begin.replace(b'": "', b'":"'):
                        first = time.monotonic() - child.began
            self._finished(child, err, 30)
        finally:
            os.close(reader)
            child.end()
        if first is None:
            raise Failure("it printed no message")
        return first

    # Idle -------------------------------------------------------------------------------------------------------------

    def _idle(self):
        """All at the same time: they do next to nothing, and each process's own CPU time is read."""
        plan = self.plan
        limit = plan.idle_settle_s + plan.idle_windows * plan.idle_window_s + 120
        children = []
        try:
            for queues in (QUEUES, MANY_QUEUES):
                for peer in self.peers:
                    what = f"idle with {queues} queues, {peer.name}"
                    err = self.scratch / f"err-{queues}-{peer.name}"
                    with self._recorded(what), open(os.devnull, "wb") as stdout, open(err, "wb") as stderr:
                        child = processes.start(peer.name, peer.consume(
                            self.cluster, f"bench-idle-{queues}", self._fresh_group(peer), origin="last",
                            limit_s=limit), stdout.fileno(), stderr.fileno())
                        children.append((what, {"peer": peer.name, "queues": queues}, err, child))
            time.sleep(plan.idle_settle_s)
            for window in range(1, plan.idle_windows + 1):
                self._idle_window(window, children)
        finally:
            for _, _, _, child in children:
                child.end()

    def _idle_window(self, window, children):
        before = [(time.monotonic(), self._cpu_of(child)) for _, _, _, child in children]
        time.sleep(self.plan.idle_window_s)
        told = []
        for (what, names, err, child), (began, used) in zip(children, before):
            with self._recorded(what):
                now = self._cpu_of(child)
                if used is None or now is None:
                    raise Failure(f"ended by itself: {err.read_text(errors='replace').strip()[-500:]}")
                cost = (now - used) / (time.monotonic() - began) * 60
                self.results["idle"].append({"window": window, **names, "cpu_s_a_minute": cost})
                told.append(f"{names['peer']}/{names['queues']} {cost:.4f}")
        self.progress.step(f"idle, CPU-s a minute of consumer/queues: {', '.join(told)}")

    @staticmethod
    def _cpu_of(child):
        return None if child.wait(0) else child.cpu_seconds()


def percentiles(ordered):
    """Milliseconds; nearest rank."""
    def at(fraction):
        return ordered[min(len(ordered) - 1, math.ceil(fraction * len(ordered)) - 1)] / 1e6
    return {"p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "p99.9": at(0.999), "max": ordered[-1] / 1e6}


def histogram(nanoseconds):
    """Count of each bin; bin n holds from 10^(n / BINS_PER_DECADE) ms to the next."""
    bins = {}
    for value in nanoseconds:
        number = math.floor(math.log10(max(value, 1) / 1e6) * BINS_PER_DECADE)
        bins[number] = bins.get(number, 0) + 1
    return {str(number): bins[number] for number in sorted(bins)}
