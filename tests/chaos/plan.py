"""What is done to the cluster and when: drawn from a seed before anything starts, so that one seed is one order of events."""

import dataclasses
import random

MEMBERS = ("cat-1", "cat-2", "cat-3")
JAVA = "java"
BROKERS = {"broker-a": "broker", "broker-b": "broker-b"}  # as routes call it: as the cluster program does
NAME_SERVERS = ("namesrv", "namesrv-b")

STOPPED = "member stopped cleanly"
KILLED = "member killed"
JAVA_LEFT = "Java member left cleanly"
JAVA_KILLED = "Java member killed"
CUT = "a member's connections to a broker reset"
ALL_CUT = "all connections to a broker reset"
HALF_OPEN = "a member's line to a broker dead without a word"
BROKER_KILLED = "broker killed"
BROKER_STOPPED = "broker stopped"
BROKER_PAUSED = "broker paused"
NAME_SERVER_KILLED = "name server killed"
NAME_SERVER_STOPPED = "name server stopped"

CLEAN = {STOPPED: 1}
CLEAN_WITH_JAVA = {STOPPED: 5, JAVA_LEFT: 1}
CHAOS = {STOPPED: 4, KILLED: 5, JAVA_LEFT: 1, JAVA_KILLED: 1, CUT: 4, ALL_CUT: 1, HALF_OPEN: 1, BROKER_KILLED: 1.5,
         BROKER_STOPPED: 1, BROKER_PAUSED: 1, NAME_SERVER_KILLED: 1.5, NAME_SERVER_STOPPED: 0.5}

# Seconds from a fault to its end: until a process is started again, until a line is cut for good.
LASTS = {STOPPED: (0.5, 4), KILLED: (0.5, 4), JAVA_LEFT: (2, 6), JAVA_KILLED: (2, 6), CUT: (0, 0), ALL_CUT: (0, 0),
         HALF_OPEN: (30, 30), BROKER_KILLED: (2, 15), BROKER_STOPPED: (2, 15), BROKER_PAUSED: (3, 12),
         NAME_SERVER_KILLED: (5, 30), NAME_SERVER_STOPPED: (5, 30)}
START_S = 8  # what a server or a member may need until it is itself again


@dataclasses.dataclass(frozen=True)
class Event:
    at: float  # seconds from the begin of the run
    kind: str
    target: str  # a member, a broker or a name server
    broker: str  # of a member's connections
    lasts: float


@dataclasses.dataclass(frozen=True)
class Phase:
    name: str
    begins: float
    ends: float
    kinds: dict
    has_java: bool
    pause: tuple  # seconds between two events


def phases(minutes):
    """Clean stops alone first, for nothing else may repeat a message there; then all there is."""
    whole = minutes * 60.0
    return (
        Phase("clean stops, rocketpush members alone", 0, 0.15 * whole, CLEAN, False, (3, 8)),
        Phase("clean stops, with the Java member", 0.15 * whole, 0.3 * whole, CLEAN_WITH_JAVA, True, (3, 8)),
        Phase("chaos", 0.3 * whole, whole, CHAOS, True, (3, 11)),
    )


def target_of(kind, chance):
    """@return The target, and the broker where connections are meant."""
    if kind in (STOPPED, KILLED):
        return chance.choice(MEMBERS), ""
    if kind in (JAVA_LEFT, JAVA_KILLED):
        return JAVA, ""
    if kind in (CUT, HALF_OPEN):
        return chance.choice((*MEMBERS, *MEMBERS, JAVA)), chance.choice(list(BROKERS))
    if kind in (NAME_SERVER_KILLED, NAME_SERVER_STOPPED):
        return chance.choice(NAME_SERVERS), ""
    broker = chance.choice(list(BROKERS))
    return broker, broker


def draw(seed, minutes):
    """All events, in their order. At least one rocketpush member, one broker and one name server are there at any time."""
    chance = random.Random(seed)
    events = []
    free_at = {}  # target -> when it is itself again
    for phase in phases(minutes):
        length = phase.ends - phase.begins
        at = phase.begins + min(15, 0.2 * length)  # everybody gets to work
        while True:
            at += chance.uniform(*phase.pause)
            if at > phase.ends - min(10, 0.1 * length):  # the next phase begins in order
                break
            kind = chance.choices(list(phase.kinds), list(phase.kinds.values()))[0]
            target, broker = target_of(kind, chance)
            lasts = chance.uniform(*LASTS[kind])
            if is_possible(kind, target, at, free_at):
                free_at[target] = at + lasts + (START_S if lasts else 2)
                events.append(Event(at, kind, target, broker, lasts))
    return events


def is_possible(kind, target, at, free_at):
    def away(names):
        return sum(free_at.get(name, 0) > at for name in names)
    if away([target]):
        return False
    if kind in (STOPPED, KILLED):
        return away(MEMBERS) < len(MEMBERS) - 1
    if target in BROKERS:
        return away(BROKERS) == 0
    return target not in NAME_SERVERS or away(NAME_SERVERS) == 0
