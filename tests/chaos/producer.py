"""Numbered messages at a steady rate, in turn to every queue of the brokers that are there. Each is sent once: one whose answer
is lost may be stored or not, and is not sent again."""

import asyncio
import contextlib
import time

from . import remoting

MOST_UNDER_WAY = 500  # at one broker; a paused one is left alone beyond
TURN_S = 0.02


class Producer:
    def __init__(self, brokers, topic, queues, rate, ledger):
        self._topic = topic
        self._queues = queues
        self._rate = rate
        self._ledger = ledger
        self._links = dict.fromkeys(brokers)
        self._targets = [(name, queue) for queue in range(queues) for name in brokers]
        self._turn = 0
        self._sends = set()
        self._keepers = [asyncio.create_task(self._keep(name, address)) for name, address in brokers.items()]
        self._task = None

    def start(self):
        self._task = asyncio.create_task(self._send_all())

    async def stop(self):
        """Until every send was answered, or is known to be unanswered."""
        if self._task:
            self._task.cancel()
        await asyncio.gather(*self._sends, return_exceptions=True)
        self.cancel()

    def cancel(self):
        for task in (*self._keepers, *([self._task] if self._task else [])):
            task.cancel()
        for link in self._links.values():
            if link:
                link.close()

    async def _keep(self, name, address):
        while True:
            with contextlib.suppress(OSError, TimeoutError, asyncio.TimeoutError):
                link = await remoting.Connection.open(address)
                self._links[name] = link
                while link.is_open:
                    await asyncio.sleep(0.05)
            await asyncio.sleep(0.3)

    def _next_target(self):
        for _ in self._targets:
            name, queue = self._targets[self._turn % len(self._targets)]
            self._turn += 1
            link = self._links[name]
            if link and link.is_open and link.under_way < MOST_UNDER_WAY:
                return name, queue, link
        return None

    async def _send_all(self):
        due = time.monotonic()
        while True:
            await asyncio.sleep(TURN_S)
            now = time.monotonic()
            due = max(due, now - 1)  # what could not be sent for longer is not made up for
            while due <= now:
                due += 1 / self._rate
                target = self._next_target()
                if target:
                    self._ledger.sent += 1
                    task = asyncio.create_task(self._send(self._ledger.sent, *target))
                    self._sends.add(task)
                    task.add_done_callback(self._sends.discard)

    async def _send(self, number, name, queue, link):
        fields = {
            "producerGroup": "chaos-producer", "topic": self._topic, "defaultTopic": "TBW102",
            "defaultTopicQueueNums": self._queues, "queueId": queue, "sysFlag": 0,
            "bornTimestamp": int(time.time() * 1000), "flag": 0, "reconsumeTimes": 0, "unitMode": "false",
            "properties": f"UNIQ_KEY\1{number:032X}\2KEYS\1{number}\2", "batch": "false",
        }
        try:
            answer, _ = await link.request(remoting.SEND_MESSAGE, fields, str(number).encode(), patience_s=15)
        except (OSError, TimeoutError, asyncio.TimeoutError, remoting.Refused):
            self._ledger.unanswered += 1
            return
        self._ledger.confirm(name, int(answer["queueId"]), int(answer["queueOffset"]), number, time.monotonic())
