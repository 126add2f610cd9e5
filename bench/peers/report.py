"""Markdown and plots from raw results: docs/benchmarks/README.md, *.svg, results.json."""

import json

from . import svg
from .figures import Figures, cpu, peak, rate, steady_cpu, verdict
from .measure import BINS_PER_DECADE, LOADS, MANY_QUEUES, QUEUES, RATE

ROWS = (("128", 1), ("128", 32), ("1k", 1), ("1k", 32))


def _table(head, rows):
    yield "| " + " | ".join(head) + " |"
    yield "|---" * len(head) + "|"
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def _about(load):
    return next(each.about for each in LOADS if each.name == load)


def _ratio(sample, reference):
    ratio = sample.over(reference)
    return f"{ratio.median:.3g}" if ratio else "–"


def _throughput(figures):
    results = figures.results
    yield "## Throughput"
    yield ""
    yield (f"{QUEUES} queues, pull batch 32. CPU-seconds (user and system) a million messages and messages a second, client "
           "process only; client and broker share the cores. Median of the rounds, least and most in brackets; a ratio is the "
           "median of the rounds' ratios. Java's first row holds its start and its compiler, *steady* is from a fifth of the "
           "messages on. The floor has no listener, so it stands beside both consume batches.")
    yield ""
    for load, batch in ROWS:
        floor = figures.throughput(cpu, "floor", load, batch)
        floor_rate = figures.throughput(rate, "floor", load, batch)
        java = figures.throughput(cpu, "java", load, batch)
        steady = figures.throughput(steady_cpu, "java", load, batch)
        rows = []
        for peer in figures.peers:
            own = figures.throughput(cpu, peer, load, batch)
            if not own:
                continue
            speed = figures.throughput(rate, peer, load, batch)
            rows.append((peer, own.text(), _ratio(own, floor), _ratio(own, java), _ratio(own, steady),
                         speed.text("{:,.0f}"), _ratio(speed, floor_rate),
                         figures.throughput(peak, peer, load, batch).text("{:.1f}")))
            late = figures.throughput(steady_cpu, peer, load, batch)
            if late:
                rows.append((f"{peer}, steady", late.text(), _ratio(late, floor), _ratio(late, java),
                             _ratio(late, steady), "", "", ""))
        if rows:
            count = max(row["consumed"] for row in results["throughput"] if row["load"] == load)
            yield f"### {_about(load)}, consume batch {batch} ({count:,} messages)"
            yield ""
            yield from _table(("", "CPU-s a million", "over floor", "over Java", "over Java steady", "messages a second",
                               "over floor", "peak MiB"), rows)


def _latency(figures):
    yield "## Latency"
    yield ""
    sample = figures.results["latency"][0]
    yield (f"{RATE:,} messages a second over {QUEUES} queues, 128 B, consume batch 1; from the producer's stamp to the listener, in "
           f"milliseconds. {sample['samples']:,} messages a round, those of the first seconds left out; each figure is the median "
           "of the rounds' percentiles, least and most in brackets.")
    yield ""
    rows = []
    names = ("p50", "p99", "p99.9")
    for peer in figures.peers:
        samples = [figures.latency(name, peer) for name in names]
        if samples[0]:
            rows.append((peer, *(each.text() for each in samples), figures.latency("max", peer).text("{:.1f}"),
                         " / ".join(_ratio(each, figures.latency(name, "floor")) for each, name in zip(samples, names)),
                         " / ".join(_ratio(each, figures.latency(name, "java")) for each, name in zip(samples, names))))
    yield from _table(("", *names, "longest", "over floor (p50 / p99 / p99.9)", "over Java"), rows)
    yield "![Latency: share of the messages that took longer](latency.svg)"
    yield ""
    yield "![Latency histograms](latency-histogram.svg)"
    yield ""


def _idle(figures):
    yield "## Idle"
    yield ""
    yield ("CPU-seconds a minute of a consumer whose topic has nothing new: pulls held by the broker, heartbeats, timers. All at "
           "the same time, each process's own CPU time.")
    yield ""
    rows = []
    for peer in figures.peers:
        few, many = figures.idle(peer, QUEUES), figures.idle(peer, MANY_QUEUES)
        if few or many:
            rows.append((peer, few.text("{:.4f}"), _ratio(few, figures.idle("floor", QUEUES)), many.text("{:.4f}"),
                         _ratio(many, figures.idle("floor", MANY_QUEUES)), _ratio(many, figures.idle("java", MANY_QUEUES))))
    yield from _table(("", f"{QUEUES} queues", "over floor", f"{MANY_QUEUES} queues", "over floor", "over Java"), rows)


def _start(figures):
    yield "## Time to the first message"
    yield ""
    yield ("Milliseconds from the start of the process to its first line of a message, a new group that begins at the first "
           "offset, cluster running.")
    yield ""
    rows = [(peer, figures.start(peer).text("{:.0f}"), _ratio(figures.start(peer), figures.start("java")))
            for peer in figures.peers if figures.start(peer)]
    yield from _table(("", "ms", "over Java"), rows)


def _targets(figures):
    rows = []
    for what, sample, limit, at_least, form in figures.targets():
        rows.append((what, ("at least " if at_least else "at most ") + f"{limit:g}", sample.text(form),
                     verdict(sample, limit, at_least)))
    if not rows:
        return
    yield "## Targets"
    yield ""
    yield from _table(("", "target", "measured", ""), rows)


def markdown(results):
    figures = Figures(results)
    machine, plan = results["machine"], results["plan"]
    lines = ["# Benchmarks", ""]
    lines += ["rocketpush beside a bare socket loop and the official Java client, on one broker. Written by `scripts/bench-peers`; "
              "the raw figures are in [results.json](results.json).", ""]
    lines += [f"    {results['command']}", ""]
    if plan["quick"]:
        lines += ["**A quick run, to try the script: these numbers mean nothing.**", ""]
    lines += _table(("", ""), [
        ("date", results["date"]),
        ("machine", f"{machine['cores']} cores, {machine['processor']}, {machine['memory_gib']} GiB; {machine['system']}, "
                    f"{machine['kernel']}"),
        *results["versions"].items(),
        ("rounds", f"{plan['rounds']}, interleaved; load average at the start {results['load_average']:.1f}"),
        ("took", f"{results['took_s'] / 60:.0f} min"),
    ])
    lines += _table(("consumer", ""), [(peer["name"], peer["about"]) for peer in results["peers"]])
    for failure in results["failures"]:
        lines += [f"Failed: {failure.splitlines()[0]}", ""]
    lines += _targets(figures)
    if results["throughput"]:
        lines += ["![CPU-seconds a million messages](cpu.svg)", "", "![Messages a second](rate.svg)", "",
                  "![Peak memory](memory.svg)", ""]
        lines += _throughput(figures)
    if results["latency"]:
        lines += _latency(figures)
    if results["idle"]:
        lines += _idle(figures)
        lines += ["![Idle cost](idle.svg)", ""]
    if results["start"]:
        lines += _start(figures)
    return "\n".join(lines).rstrip() + "\n"


def _bar(label, colour, sample):
    return (label, colour, sample.median, sample.least, sample.most) if sample else (label, colour, None, None, None)


def _bar_plot(figures, title, unit, value, form, with_steady=False):
    panels = []
    for load, batch in ROWS:
        entries = []
        for colour, peer in enumerate(figures.peers):
            entries.append(_bar(peer, colour, figures.throughput(value, peer, load, batch)))
            if with_steady:
                entries.append(_bar(f"{peer}, steady", colour, figures.throughput(steady_cpu, peer, load, batch)))
        panels.append((f"{_about(load)}, consume batch {batch}", entries))
    return svg.bars(title, unit, panels, form)


def _longer(shares):
    """(end of a bin in ms, share beyond it), from the histogram."""
    left, line = 1.0, []
    for number, share in shares.items():
        line.append((10 ** (number / BINS_PER_DECADE), left))
        left -= share
        line.append((10 ** ((number + 1) / BINS_PER_DECADE), left if left > 1e-9 else 0))
    return line


def plots(results):
    figures = Figures(results)
    made = {}
    if results["throughput"]:
        made["cpu.svg"] = _bar_plot(figures, "CPU a message: less is better", "CPU-seconds a million messages", cpu,
                                    "{:.2f}", with_steady=True)
        made["rate.svg"] = _bar_plot(figures, "Messages a second: more is better",
                                     "messages a second, cores shared with the broker", rate, "{:,.0f}")
        made["memory.svg"] = _bar_plot(figures, "Peak memory: less is better", "MiB", peak, "{:.1f}")
    if results["idle"]:
        made["idle.svg"] = svg.bars("Idle: less is better", "CPU-seconds a minute", [
            (f"{queues} queues", [_bar(peer, colour, figures.idle(peer, queues))
                                  for colour, peer in enumerate(figures.peers)])
            for queues in (QUEUES, MANY_QUEUES)], "{:.4f}")
    if results["latency"]:
        series = [(peer, colour, figures.histogram(peer)) for colour, peer in enumerate(figures.peers)]
        series = [each for each in series if each[2]]
        unit = f"milliseconds from producer to listener, at {RATE:,} messages a second"
        made["latency.svg"] = svg.tail("Latency: lower and further left is better", unit, [
            (peer, colour, _longer(shares)) for peer, colour, shares in series])
        made["latency-histogram.svg"] = svg.histograms("Latency: share of the messages in each tenth of a decade", unit,
                                                       BINS_PER_DECADE, series)
    return {name: text for name, text in made.items() if text}


def write(results, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (folder / "README.md").write_text(markdown(results))
    made = plots(results)
    for name in ("cpu.svg", "rate.svg", "memory.svg", "idle.svg", "latency.svg", "latency-histogram.svg"):
        if name in made:
            (folder / name).write_text(made[name])
        else:
            (folder / name).unlink(missing_ok=True)  # of an earlier run with other parts
