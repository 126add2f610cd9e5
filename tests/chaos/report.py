"""What a run did and found, in Markdown."""

import collections

from . import ledger as books
from . import plan


def verdict(run):
    """Sentences about what was broken; none: every promise held."""
    causes = run.ledger.causes()
    sentences = list(run.ledger.broken)
    if run.lost:
        confirmed = sum(each[3] for each in run.lost)
        sentences.append(f"{len(run.lost)} messages were never consumed, {confirmed} of them confirmed to their producer")
    if causes.get(books.UNEXPLAINED):
        sentences.append(f"{len(causes[books.UNEXPLAINED])} messages came again for no reason that may repeat one")
    return sentences


def clock(seconds):
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def phase_rows(run):
    for phase in run.phases:
        first, last = run.began + phase.begins, run.began + phase.ends
        if phase is run.phases[-1]:
            last = float("inf")  # with what it takes to read everything to its end
        stops = sum(first <= fault.began < last and fault.kind == plan.STOPPED for fault in run.ledger.faults)
        others = sum(first <= fault.began < last and fault.kind not in (plan.STOPPED, books.LOST) for fault in run.ledger.faults)
        lost = sum(first <= fault.ended < last and fault.kind == books.LOST for fault in run.ledger.faults)
        consumed = sum(each is not None and first <= each.at < last
                       for queue in run.ledger.queues.values() for each in queue.first)
        again = [each for each in run.ledger.again if first <= each.after.at < last]
        java = sum(books.judge(each, run.ledger.faults) == books.HAND_OVER for each in again)
        wait = max((wait for at, wait in run.ledger.waits if first <= at < last), default=0)
        yield (phase.name, f"{clock(phase.begins)} to {clock(phase.ends)}", f"{consumed:,}", stops, others, lost, len(again) - java, java,
               f"{wait:.1f} s" if wait else "below 1 s")


def cause_rows(run):
    faults = collections.Counter(fault.kind for fault in run.ledger.faults)
    causes = run.ledger.causes()
    for kind in (*plan.LASTS, books.LOST):
        cases = causes.get(kind, [])
        if not faults[kind]:
            continue
        of_one = collections.Counter(id(fault) for fault, _ in cases)
        ages = [fault.began - again.before.at for fault, again in cases]
        lasted = [again.after.at - fault.ended for fault, again in cases]
        may_repeat = kind in (*books.KILLS, *books.UNSETTLING, *books.NAME_SERVERS)
        bound = max(run.ledger.bound(fault) for fault in run.ledger.faults if fault.kind == kind) if may_repeat else 0
        yield (kind, faults[kind], len(cases), max(of_one.values(), default=0), f"{bound:,}" if bound else "none",
               f"{max(0, max(ages)):.1f} s" if ages else "-", f"{max(0, max(lasted)):.1f} s" if lasted else "-")
    for cause in (books.HAND_OVER, books.UNEXPLAINED):
        yield (cause, "-", len(causes.get(cause, [])), "-", "-" if cause == books.HAND_OVER else "none", "-", "-")


def text(run):
    book = run.ledger
    broken = verdict(run)
    stops = [fault for fault in book.faults if fault.kind == plan.STOPPED]
    silence, until = book.longest_silence
    lines = [
        f"`scripts/chaos --minutes {run.arguments.minutes:g} --seed {run.arguments.seed} --rate {run.arguments.rate:g}`: "
        f"RocketMQ 5.5.0, two brokers, two name servers, three `rocketcat consume`, one Java member; "
        f"{sum(fault.kind != books.LOST for fault in book.faults)} events in {clock(run.took)} min.",
        "",
        f"* {book.sent:,} messages sent, {book.confirmed:,} confirmed by brokers, {book.unanswered:,} without an answer "
        f"(stored or not); {book.consumed:,} different ones consumed.",
        f"* Lost: {len(run.lost)}. Came again: {len(book.again):,}, of which "
        f"{len(book.causes().get(books.UNEXPLAINED, []))} unexplained.",
        f"* Clean stops of rocketpush members: {len(stops)}, the slowest took {max((each.took for each in stops), default=0):.1f} s.",
        f"* Longest time without any message: {silence:.1f} s, until {clock(until - run.began)}.",
        "",
        table(("phase", "minutes", "messages", "clean stops", "other events", "connections lost by themselves", "came again", "by the Java member's hand-over",
               "longest wait of a message"), phase_rows(run)),
        "",
        table(("event", "times", "messages that came again", "most by one", "bound of one, at most", "oldest, before the event",
               "last, after its end"), cause_rows(run)),
        "",
        "Verdict: " + ("every promise held." if not broken else "BROKEN."),
    ]
    return "\n".join([*lines, *(f"* {each}" for each in broken)]) + "\n"
