"""A run: everybody is started, the plan is carried out under load, all is mended, and every queue is read to its end."""

import asyncio
import json
import pickle
import time
import types

from . import ledger as books
from . import plan, remoting, server_log
from .cluster import Cluster
from .members import Cat, JavaMember
from .producer import Producer
from .relay import Relay

TOPIC = "chaos"
GROUP = "chaos-group"
QUEUES = 8  # of each broker
CATCH_UP_S = 120
PROGRESS_S = 5


class Run:
    def __init__(self, arguments, folder, say):
        self.arguments = arguments
        self.folder = folder
        self.say = say
        self.ledger = books.Ledger()
        self.phases = plan.phases(arguments.minutes)
        self.events = plan.draw(arguments.seed, arguments.minutes)
        self.cluster = Cluster()
        self.relays = {}
        self.members = {}
        self.producer = None
        self.busy = set()  # events that are being carried out
        self.began = 0.0
        self.took = 0.0
        self.lost = []
        self._locks = {}
        self._background = []
        self._log = None

    async def whole(self):
        self._log = open(self.folder / "events.jsonl", "w", encoding="utf-8")
        try:
            await self._set_up()
            await self._carry_out()
            await self._settle()
        finally:
            await asyncio.shield(self._clean_up())

    # Everybody ----------------------------------------------------------------------------------------------------------

    async def _set_up(self):
        self.say("starting two name servers and two brokers")
        await self.cluster.start(self.folder / "cluster.log")
        for name, address in self.cluster.registered.items():
            self.relays[name] = Relay(address, self.cluster.listening[name])
            await self.relays[name].start()
        await self.cluster.create_topic(TOPIC, QUEUES)
        logs = self.folder / "members"
        logs.mkdir(exist_ok=True)
        for name in plan.MEMBERS:
            self.members[name] = Cat(name, self.ledger, logs, self.arguments.rocketcat, self.cluster.namesrv, GROUP, TOPIC)
            await self.members[name].start()
        self.members[plan.JAVA] = JavaMember(self.ledger, logs, self.cluster.java_helper, GROUP, TOPIC)
        self.producer = Producer(self.cluster.listening, TOPIC, QUEUES, self.arguments.rate, self.ledger)
        await asyncio.sleep(2)
        self.began = time.monotonic()
        self.producer.start()

    async def _clean_up(self):
        for task in (*self._background, *self.busy):
            task.cancel()
        await asyncio.gather(*self._background, *self.busy, return_exceptions=True)
        if self.producer:
            self.producer.cancel()
        for member in self.members.values():
            if member.is_running:
                await member.kill()
        for relay in self.relays.values():
            relay.close()
        await self.cluster.stop(self.folder)
        self._log.close()

    # The plan -----------------------------------------------------------------------------------------------------------

    def now(self):
        return time.monotonic() - self.began

    async def _carry_out(self):
        self._background.append(asyncio.create_task(self._tell_progress()))
        java = asyncio.create_task(self._join_java())
        self._background.append(java)
        for event in self.events:
            await self._until(event.at)
            task = asyncio.create_task(self._perform(event))
            self.busy.add(task)
            task.add_done_callback(self._is_done)
        await self._until(self.phases[-1].ends)
        if self.busy:
            await asyncio.wait(set(self.busy), timeout=CATCH_UP_S)

    def _is_done(self, task):
        self.busy.discard(task)
        if not task.cancelled() and task.exception():
            self.ledger.broken.append(f"the script could not do what it had planned: {task.exception()!r}")

    async def _until(self, at):
        while self.now() < at:
            await asyncio.sleep(min(1.0, at - self.now()))

    async def _join_java(self):
        first = next(phase for phase in self.phases if phase.has_java)
        await self._until(first.begins)
        await self.members[plan.JAVA].start()
        self._note("Java member joins", plan.JAVA)

    def _note(self, what, target):
        self._log.write(json.dumps({"at": round(self.now(), 2), "what": what, "target": target}) + "\n")
        self._log.flush()

    async def _perform(self, event):
        """One after the other for each target."""
        async with self._locks.setdefault(event.target, asyncio.Lock()):
            member = self.members.get(event.target)
            fault = books.Fault(event.kind, member.life if member else event.target, event.broker, time.monotonic())
            self.ledger.faults.append(fault)
            self._note(f"{event.kind}, for {event.lasts:.1f} s" + (f", at {event.broker}" if member and event.broker else ""),
                       fault.target)
            try:
                if event.kind in (plan.CUT, plan.HALF_OPEN, plan.ALL_CUT):
                    await self._on_lines(event, member)
                elif member:
                    await self._to_member(event, member, fault)
                else:
                    await self._to_server(event)
            finally:
                fault.ended = time.monotonic()
            self._note("back" if event.lasts else "done", member.life if member else event.target)

    async def _on_lines(self, event, member):
        lines = self.relays[event.broker].lines(member.pid if member else None) if not member or member.pid else []
        for line in lines:
            line.die() if event.kind == plan.HALF_OPEN else line.reset()
        await asyncio.sleep(event.lasts)
        if event.kind == plan.HALF_OPEN:
            for line in lines:
                line.reset()

    async def _to_member(self, event, member, fault):
        if event.kind in (plan.KILLED, plan.JAVA_KILLED):
            await member.kill()
        else:
            fault.took = await member.stop()
        await asyncio.sleep(event.lasts)
        await member.start()

    async def _to_server(self, event):
        server = plan.BROKERS.get(event.target, event.target)
        action, back = {plan.BROKER_KILLED: ("kill", "start"), plan.NAME_SERVER_KILLED: ("kill", "start"),
                        plan.BROKER_STOPPED: ("stop", "start"), plan.NAME_SERVER_STOPPED: ("stop", "start"),
                        plan.BROKER_PAUSED: ("pause", "resume")}[event.kind]
        await self.cluster.tell(server, action)
        await asyncio.sleep(event.lasts)
        await self.cluster.tell(server, back)

    async def _tell_progress(self):
        while True:
            await asyncio.sleep(PROGRESS_S)
            now = self.now()
            phase = next((each.name for each in self.phases if now < each.ends), "reading to the end")
            causes = self.ledger.causes()
            strange = len(causes.get(books.UNEXPLAINED, ()))
            self.say(f"{int(now) // 60}:{int(now) % 60:02} {phase}: sent {self.ledger.sent:,}, consumed {self.ledger.consumed:,}, "
                     f"waiting {self.ledger.waiting():,}, again {len(self.ledger.again):,} ({strange} unexplained), "
                     f"events {len(self.ledger.faults)} of {len(self.events)}"
                     + (f", BROKEN {len(self.ledger.broken)}" if self.ledger.broken else ""))

    # The end ------------------------------------------------------------------------------------------------------------

    async def _settle(self):
        """All is mended. What is waiting is read, then everybody stops cleanly, and the group has nothing left."""
        await self.producer.stop()
        self.took = self.now()
        ends = await self.cluster.offsets(TOPIC, QUEUES, remoting.GET_MAX_OFFSET)
        deadline = time.monotonic() + CATCH_UP_S
        while self.ledger.lost(ends) and time.monotonic() < deadline:
            await asyncio.sleep(0.5)
        self.lost = self.ledger.lost(ends)
        # The Java member goes first: it may write an offset that it read at a hand-over over a later one.
        for member in reversed(self.members.values()):
            if member.is_running:
                began = time.monotonic()
                took = await member.stop()
                kind = plan.JAVA_LEFT if member.name == plan.JAVA else plan.STOPPED
                self.ledger.faults.append(books.Fault(kind, member.life, "", began, time.monotonic(), took))
                await asyncio.sleep(3)  # what it had goes to the others
        learn_from_servers(self.record(), self.cluster.folder / "logs")
        committed = await self.cluster.offsets(TOPIC, QUEUES, remoting.QUERY_CONSUMER_OFFSET, consumerGroup=GROUP)
        for queue, end in ends.items():
            if committed[queue] != end:
                self.ledger.broken.append(f"{queue[0]} queue {queue[1]} ends at {end}, and {committed[queue]} is committed after all "
                                          "members stopped cleanly")

    def record(self):
        """What is left of a run: enough to judge it, and to tell of it."""
        given = types.SimpleNamespace(minutes=self.arguments.minutes, seed=self.arguments.seed, rate=self.arguments.rate)
        return types.SimpleNamespace(ledger=self.ledger, phases=self.phases, began=self.began, took=self.took, lost=self.lost,
                                     arguments=given, clock=time.time() - time.monotonic())


def learn_from_servers(record, logs):
    """Which connections ended that nobody cut, by the brokers' logs."""
    texts = [file.read_text(errors="replace") for file in sorted(logs.glob("*.log"))]
    ended = server_log.ended_connections("\n".join(texts), list(plan.BROKERS))
    record.ledger.learn_of_lost_connections((at - record.clock, broker, member) for at, broker, member in ended)


def write_details(record, folder):
    """What a person needs who looks for the reason of a repetition or a loss."""
    with open(folder / "again.jsonl", "w", encoding="utf-8") as out:
        for cause, cases in record.ledger.causes().items():
            for fault, again in cases:
                out.write(json.dumps({
                    "cause": cause, "fault": fault and f"{fault.target} at {fault.began - record.began:.2f}",
                    "broker": again.broker, "queue": again.queue, "offset": again.offset, "number": again.number,
                    "before": [again.before.member, round(again.before.at - record.began, 2)],
                    "after": [again.after.member, round(again.after.at - record.began, 2)]}) + "\n")
    with open(folder / "lost.jsonl", "w", encoding="utf-8") as out:
        for broker, queue, offset, is_confirmed in record.lost:
            out.write(json.dumps({"broker": broker, "queue": queue, "offset": offset, "confirmed": is_confirmed}) + "\n")
    with open(folder / "ledger.pickle", "wb") as out:
        pickle.dump(record, out)


def read_record(file):
    with open(file, "rb") as kept:
        return pickle.load(kept)
