"""Every message by its queue and offset: whether a broker confirmed it, who consumed it when, and why it came again.

A message is lost when its queue has it and no member ever had it. One that came again is explained by a fault, if it was
consumed shortly enough before that fault to have been uncommitted then; by the Java member, whose hand-over is not the
promised one; or not at all, which is a broken promise. `judge` is the checker, and check_ledger checks it.
"""

import bisect
import dataclasses

from . import plan

COMMIT_S = 5       # options::commit_interval: what was consumed is confirmed at the broker no later
JAVA_COMMIT_S = 10  # persistConsumerOffsetInterval is 5 s, but the first time it is 10
FLUSH_S = 5        # flushConsumerOffsetInterval of a broker: what it confirmed is in its file no later
SLACK_S = 2        # a pipe, a request under way, a machine with few cores
AFTER_S = 8        # from the end of a fault until everybody is connected and has what is theirs
REGISTER_S = 30    # registerNameServerPeriod: a name server that came back knows every broker no later
LATEST_S = 60      # a queue whose offset went back is read again within that time, once its broker is there

DEADLINE_S = 15    # a peer that answers nothing for so long is left

LOST = "connection lost by itself"  # by nobody's plan: a machine too busy to answer
HAND_OVER = "hand-over with the Java member"
UNEXPLAINED = "unexplained"


@dataclasses.dataclass(frozen=True)
class Delivery:
    at: float
    member: str  # with the number of its life: cat-2.7


@dataclasses.dataclass(frozen=True)
class Again:
    broker: str
    queue: int
    offset: int
    number: int
    before: Delivery
    after: Delivery


@dataclasses.dataclass
class Fault:
    kind: str
    target: str  # a broker, a name server, or a member with the number of its life
    broker: str
    began: float
    ended: float = float("inf")
    took: float = 0  # seconds that a clean stop took


def is_java(member):
    return member.startswith(plan.JAVA)


KILLS = (plan.KILLED, plan.JAVA_KILLED)
# A broker that lost its members' connections, or all it knew of them, has an incomplete list of the group for a moment. Who asks it
# takes over what it should not, of the other broker too, and two members read one queue until the list is whole again.
NAME_SERVERS = (plan.NAME_SERVER_KILLED, plan.NAME_SERVER_STOPPED)
AWAY = (plan.BROKER_KILLED, plan.BROKER_STOPPED, plan.BROKER_PAUSED)
UNSETTLING = (plan.CUT, plan.ALL_CUT, plan.HALF_OPEN, *AWAY, LOST)


def window(fault, broker):
    """From when to when messages of a broker were consumed of which the fault may lose that they were."""
    if fault.kind in KILLS:
        commit = JAVA_COMMIT_S if is_java(fault.target) else COMMIT_S
        return fault.began - commit - SLACK_S, fault.began + SLACK_S
    if fault.kind in UNSETTLING:
        # A killed broker also loses the offsets that it confirmed since its last flush.
        flush = FLUSH_S if fault.kind == plan.BROKER_KILLED and fault.broker == broker else 0
        return fault.began - COMMIT_S - flush - SLACK_S, fault.ended + AFTER_S
    if fault.kind in NAME_SERVERS:
        # Until brokers have registered it gives routes without them. Who believes one gives their queues up, and cannot commit there.
        return fault.ended - COMMIT_S - SLACK_S, fault.ended + REGISTER_S + AFTER_S
    return 0, 0  # clean stops excuse nothing


def read_again_by(fault, broker, faults):
    """A broker that is away again before its queues were read cannot show what came of the fault."""
    end = fault.ended
    for other in sorted(faults, key=lambda each: each.began):
        if other.kind in AWAY and other.broker == broker and fault.began <= other.began <= end + LATEST_S:
            end = max(end, other.ended)
    return end + LATEST_S


def explains(fault, again, faults):
    first, last = window(fault, again.broker)
    return (first <= again.before.at <= last and fault.began <= again.after.at <= read_again_by(fault, again.broker, faults)
            and (fault.kind not in KILLS or fault.target == again.before.member))


def judge(again, faults):
    """@return The fault that explains the repetition, or HAND_OVER, or UNEXPLAINED."""
    able = [fault for fault in faults if explains(fault, again, faults)]
    if able:  # one of this very broker or member, and the latest
        return max(able, key=lambda fault: (fault.kind in KILLS or fault.broker == again.broker, fault.began))
    if is_java(again.before.member) or is_java(again.after.member):
        return HAND_OVER
    return UNEXPLAINED


class Queue:
    """Of one broker. Lists by offset; None: not yet, or never."""

    def __init__(self):
        self.numbers = []
        self.confirmed = []
        self.first = []

    def reach(self, offset):
        while len(self.first) <= offset:
            self.numbers.append(None)
            self.confirmed.append(None)
            self.first.append(None)


class Ledger:
    def __init__(self):
        self.queues = {}  # (broker, id) -> Queue
        self.sent = 0
        self.unanswered = 0  # sends without an answer: stored or not, nobody knows
        self.confirmed = 0
        self.consumed = 0  # different messages
        self.again = []
        self.latest = {}  # (broker, id, offset) -> Delivery, of messages that came again
        self.faults = []
        self.broken = []  # sentences: promises that did not hold, beside losses and repetitions
        self.last_at = None
        self._timeline = None
        self.longest_silence = (0, 0)  # seconds, and when it ended
        self.waits = []  # (when consumed, seconds since it was confirmed) of messages that waited longer than a second

    def _queue(self, broker, queue, offset):
        found = self.queues.setdefault((broker, queue), Queue())
        found.reach(offset)
        return found

    def _is_number(self, found, broker, queue, offset, number):
        known = found.numbers[offset]
        if known is None:
            found.numbers[offset] = number
        elif known != number:
            self.broken.append(f"{broker} queue {queue} offset {offset} was message {known}, then message {number}")

    def confirm(self, broker, queue, offset, number, at):
        found = self._queue(broker, queue, offset)
        self._is_number(found, broker, queue, offset, number)
        found.confirmed[offset] = at
        self.confirmed += 1

    def consume(self, member, broker, queue, offset, number, at):
        found = self._queue(broker, queue, offset)
        self._is_number(found, broker, queue, offset, number)
        now = Delivery(at, member)
        if found.first[offset] is None:
            found.first[offset] = now
            self.consumed += 1
            stored = found.confirmed[offset]
            if stored is not None and at - stored > 1:
                self.waits.append((at, at - stored))
        else:
            key = (broker, queue, offset)
            self.again.append(Again(broker, queue, offset, number, self.latest.get(key, found.first[offset]), now))
            self.latest[key] = now
        if self.last_at is not None and at - self.last_at > self.longest_silence[0]:
            self.longest_silence = (at - self.last_at, at)
        self.last_at = at

    def learn_of_lost_connections(self, ended):
        """@param ended  (when, broker, member with the number of its life) as brokers saw connections end: those that no event explains."""
        self.faults += [Fault(LOST, member, broker, at - DEADLINE_S, at)
                        for at, broker, member in ended if not any(self._ends(fault, at, broker, member) for fault in self.faults)]

    @staticmethod
    def _ends(fault, at, broker, member):
        """Whether an event is why a broker saw this connection end."""
        if not fault.began - 1 <= at <= fault.ended + AFTER_S:
            return False
        if fault.kind in (plan.CUT, plan.HALF_OPEN) or fault.kind not in (*UNSETTLING, *NAME_SERVERS):
            return is_java(member) if is_java(fault.target) else member == fault.target
        return fault.broker == broker

    def waiting(self):
        """Confirmed and not yet consumed."""
        return sum(stored is not None and first is None
                   for queue in self.queues.values() for stored, first in zip(queue.confirmed, queue.first))

    def lost(self, ends):
        """(broker, queue, offset, confirmed or not) of what queues have and nobody had. @param ends  (broker, id) -> end."""
        missing = []
        for (broker, queue), end in sorted(ends.items()):
            found = self._queue(broker, queue, end - 1) if end else Queue()
            missing += [(broker, queue, offset, found.confirmed[offset] is not None)
                        for offset in range(end) if found.first[offset] is None]
            missing += [(broker, queue, offset, True)  # confirmed, and the broker has not got it any more
                        for offset in range(end, len(found.first)) if found.confirmed[offset] is not None]
        return missing

    def causes(self):
        """cause (kind of fault, HAND_OVER, UNEXPLAINED) -> list of (fault or None, Again)."""
        found = {}
        for again in self.again:
            cause = judge(again, self.faults)
            if isinstance(cause, Fault):
                found.setdefault(cause.kind, []).append((cause, again))
            else:
                found.setdefault(cause, []).append((None, again))
        return found

    def bound(self, fault):
        """How many messages the fault may repeat: what was consumed in its window; of a member that was killed, by that one."""
        total = 0
        for broker, times, deliveries in self._in_time():
            first, last = window(fault, broker)
            part = deliveries[bisect.bisect_left(times, first):bisect.bisect_right(times, last)]
            total += sum(fault.kind not in KILLS or each.member == fault.target for each in part)
        return total

    def _in_time(self):
        """Of each queue its broker, and first deliveries in their order. Made once: when the run is over."""
        if self._timeline is None:
            self._timeline = []
            for (broker, _), queue in self.queues.items():
                deliveries = sorted((each for each in queue.first if each is not None), key=lambda each: each.at)
                self._timeline.append((broker, [each.at for each in deliveries], deliveries))
        return self._timeline
