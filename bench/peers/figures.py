"""From raw results to figures: medians with their spread, ratios within a round, and the targets."""

import statistics


class Sample:
    """Values of the rounds; prints as `median (least to most)`."""

    def __init__(self, by_round):
        self.by_round = {round_: value for round_, value in by_round.items() if value is not None}

    def __bool__(self):
        return bool(self.by_round)

    @property
    def median(self):
        return statistics.median(self.by_round.values())

    @property
    def least(self):
        return min(self.by_round.values())

    @property
    def most(self):
        return max(self.by_round.values())

    def over(self, other):
        """Ratios of neighbours in time: what slows the machine down for a while slows both."""
        return Sample({round_: value / other.by_round[round_] for round_, value in self.by_round.items()
                       if other.by_round.get(round_)})

    def text(self, form="{:.2f}"):
        if not self:
            return "–"
        if len(self.by_round) == 1:
            return form.format(self.median)
        return f"{form.format(self.median)} ({form.format(self.least)} to {form.format(self.most)})"


def pick(rows, value, *, by="round", **wanted):
    chosen = [row for row in rows if all(row.get(name) == is_ for name, is_ in wanted.items())]
    return Sample({row[by]: value(row) for row in chosen})


def cpu(row):
    return (row["user_s"] + row["system_s"]) / row["consumed"] * 1e6


def rate(row):
    return row["consumed"] / row["first_to_last_s"] if row["first_to_last_s"] else None


def peak(row):
    return row["peak_kib"] / 1024


def steady_cpu(row):
    """From a fifth of the messages on, of a peer that tells."""
    return row["steady_cpu_s"] / row["steady_messages"] * 1e6 if row.get("steady_messages") else None


class Figures:
    def __init__(self, results):
        self.results = results
        self.peers = [peer["name"] for peer in results["peers"]]
        self.has_batches = {peer["name"]: peer["has_batches"] for peer in results["peers"]}

    def throughput(self, value, peer, load, batch):
        if not self.has_batches.get(peer, True):
            batch = 1
        return pick(self.results["throughput"], value, peer=peer, load=load, batch=batch)

    def latency(self, name, peer):
        return pick(self.results["latency"], lambda row: row[name], peer=peer)

    def start(self, peer):
        return pick(self.results["start"], lambda row: row["first_message_s"] * 1000, peer=peer)

    def idle(self, peer, queues):
        return pick(self.results["idle"], lambda row: row["cpu_s_a_minute"], by="window", peer=peer, queues=queues)

    def histogram(self, peer):
        """All rounds together: bin -> share of the messages."""
        sums = {}
        for row in self.results["latency"]:
            if row["peer"] == peer:
                for number, count in row["histogram"].items():
                    sums[int(number)] = sums.get(int(number), 0) + count
        total = sum(sums.values())
        return {number: sums[number] / total for number in sorted(sums)}

    def targets(self):
        """(what, Sample, limit, True when more is better, form). An empty sample: it should have been measured, and was not."""
        loads = (("128", "128 B"), ("1k", "1 KiB"))
        rows = []

        def add(part, peer, what, sample, limit, form="{:.2f}", at_least=False):
            if self.results[part] and peer in self.peers:
                name = "pool of 20" if peer == "pool" else peer
                rows.append((f"{name}{what}", sample, limit, at_least, form))

        for load, name in loads:
            floor = self.throughput(cpu, "floor", load, 1)
            for batch in (1, 32):
                add("throughput", "inline", f", {name}, consume batch {batch}: CPU a message over the floor's",
                    self.throughput(cpu, "inline", load, batch).over(floor), 1.5)
            pool = self.throughput(cpu, "pool", load, 1)
            add("throughput", "pool", f", {name}, consume batch 1: CPU a message over the floor's", pool.over(floor), 3.0)
            if "java" in self.peers:
                add("throughput", "pool", f", {name}, consume batch 1: CPU a message over Java's steady cost",
                    pool.over(self.throughput(steady_cpu, "java", load, 1)), 0.125, "{:.3f}")
            add("throughput", "pool", f", {name}, consume batch 32: CPU a message over the floor's",
                self.throughput(cpu, "pool", load, 32).over(floor), 1.7)
        for load, name in loads:
            for batch in (1, 32):
                add("throughput", "inline", f", {name}, consume batch {batch}: messages a second over the floor's",
                    self.throughput(rate, "inline", load, batch).over(self.throughput(rate, "floor", load, 1)), 0.85,
                    at_least=True)
        for peer in ("inline", "pool"):
            loaded = [self.throughput(peak, peer, load, batch) for load, _ in loads for batch in (1, 32)]
            worst = max(loaded, key=lambda sample: sample.median if sample else 0)
            add("throughput", peer, ": peak memory with a quick listener, MiB (worst of the loads)", worst, 12, "{:.1f}")
        for name, limit in (("p50", 1.1), ("p99", 1.3), ("p99.9", 1.3)):
            add("latency", "inline", f": latency {name} over the floor's",
                self.latency(name, "inline").over(self.latency(name, "floor")), limit)
        add("latency", "pool", ": latency p99 over the floor's",
            self.latency("p99", "pool").over(self.latency("p99", "floor")), 1.5)
        for peer in ("inline", "pool"):
            add("idle", peer, ": idle with 256 queues, CPU over the floor's",
                self.idle(peer, 256).over(self.idle("floor", 256)), 3.0)
        for peer in ("inline", "pool"):
            add("start", peer, ": first message, ms from the start of the process", self.start(peer), 200, "{:.0f}")
        return rows


def verdict(sample, limit, at_least):
    if not sample:
        return "not measured"
    return "pass" if (sample.median >= limit if at_least else sample.median <= limit) else "**fail**"
