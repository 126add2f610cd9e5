"""The servers: tests/real_broker/cluster with two of each, and its control socket."""

import asyncio
import pathlib
import shutil
import sys

from . import plan, processes, remoting
from .processes import Failure

PROGRAM = pathlib.Path(__file__).resolve().parents[1] / "real_broker" / "cluster"
VERSION = "5.5.0"
BROKER_IP = "127.0.0.2"  # where relays listen
START_S = 240


class Cluster:
    def __init__(self):
        self._process = None
        self.environment = {}

    async def start(self, log):
        with open(log, "wb") as err:
            self._process = await asyncio.create_subprocess_exec(
                str(PROGRAM), "start", VERSION, "--brokers", "2", "--name-servers", "2", "--broker-ip", BROKER_IP, "--keep",
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=err, start_new_session=True,
                preexec_fn=processes.ended_with_parent)
        try:
            await asyncio.wait_for(self._read_environment(), START_S)
        except (TimeoutError, asyncio.TimeoutError, asyncio.IncompleteReadError):
            raise Failure(f"the RocketMQ cluster did not start:\n{log.read_text()[-2000:]}") from None

    async def _read_environment(self):
        while "ROCKETPUSH_SECOND_BROKER" not in self.environment or "ROCKETPUSH_MQADMIN" not in self.environment:
            line = await self._process.stdout.readuntil()
            name, _, value = line.decode().strip().removeprefix("export ").partition("=")
            self.environment[name] = value

    @property
    def folder(self):
        return pathlib.Path(self.environment["ROCKETPUSH_CLUSTER_DIR"])

    @property
    def namesrv(self):
        return self.environment["ROCKETPUSH_NAMESRV"]

    @property
    def java_helper(self):
        return self.environment["ROCKETPUSH_JAVA_HELPER"]

    @property
    def registered(self):
        """Broker name -> where clients are told that it is."""
        return dict(zip(plan.BROKERS, (self.environment["ROCKETPUSH_BROKER"], self.environment["ROCKETPUSH_SECOND_BROKER"])))

    @property
    def listening(self):
        return {name: address.replace(BROKER_IP, "127.0.0.1") for name, address in self.registered.items()}

    async def tell(self, server, action):
        """Returns when it is done. @throw Failure"""
        reader, writer = await asyncio.open_unix_connection(str(self.folder / "control"))
        try:
            writer.write(f"{server} {action}".encode())
            answer = (await reader.read()).decode()
        finally:
            writer.close()
        if answer != "ok":
            raise Failure(f"{server} {action}: {answer or 'the cluster has ended'}")

    async def create_topic(self, topic, queues):
        for address in self.listening.values():
            await remoting.ask(address, remoting.CREATE_TOPIC, {
                "topic": topic, "defaultTopic": "TBW102", "readQueueNums": queues, "writeQueueNums": queues, "perm": 6,
                "topicFilterType": "SINGLE_TAG", "topicSysFlag": 0, "order": "false"})
        for _ in range(100):
            if await self._route_is_whole(topic):
                return
            await asyncio.sleep(0.2)
        raise Failure("the name servers do not learn of the topic")

    async def _route_is_whole(self, topic):
        for address in self.namesrv.split(";"):
            try:
                _, route = await remoting.ask(address, remoting.GET_ROUTE, {"topic": topic})
            except remoting.Refused:
                return False
            if not all(name.encode() in route for name in plan.BROKERS):
                return False
        return True

    async def offsets(self, topic, queues, code, **fields):
        """(broker, queue) -> offset."""
        found = {}
        for name, address in self.listening.items():
            connection = await remoting.Connection.open(address)
            try:
                for queue in range(queues):
                    answer, _ = await connection.request(code, {"topic": topic, "queueId": queue, **fields})
                    found[name, queue] = int(answer["offset"])
            finally:
                connection.close()
        return found

    async def stop(self, keep_logs_in=None):
        if self._process is None:
            return
        await processes.end(self._process, patience_s=60)
        if "ROCKETPUSH_CLUSTER_DIR" not in self.environment:
            return
        if keep_logs_in:
            shutil.copytree(self.folder / "logs", keep_logs_in / "servers", dirs_exist_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.folder.exists():
            print(f"chaos: {self.folder} could not be removed", file=sys.stderr)
