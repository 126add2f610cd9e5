"""Who is measured, and what it takes to have them: the build, the Java program, other people's commands."""

import dataclasses
import hashlib
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile

from .processes import Failure, run_quietly

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLUSTER = ROOT / "tests" / "real_broker" / "cluster"
VERSION = "5.5.0"

# The rest of the server's jars stay off the client's class path: it would take the broker's settings for logs.
CLIENT_JARS = ("rocketmq-client-", "rocketmq-common-", "rocketmq-remoting-", "rocketmq-logback-", "rocketmq-slf4j-",
               "rocketmq-shaded-", "rocketmq-rocksdb-")


@dataclasses.dataclass(frozen=True)
class Peer:
    name: str
    command: tuple
    about: str
    has_batches: bool = True  # the floor has no listener, so no consume batch

    def consume(self, cluster, topic, group, *, batch=1, output="count", origin="first", limit_s, more=()):
        """The contract of `rocketcat consume`. The limit is a last resort: nothing stays behind should we be killed."""
        return [*self.command, "--namesrv", cluster.namesrv, "--group", group, "--topic", topic, "--from", origin,
                "--consume-batch", str(batch), "--output", output, "--duration-s", str(int(limit_s)), *more]


def build(folder, may_build, say):
    """The release build's rocketcat and floor."""
    rocketcat, floor = folder / "rocketcat", folder / "bench" / "floor"
    if may_build:
        if not shutil.which("cmake"):
            raise Failure("cmake is not installed (scripts/install-dependencies)")
        if not (folder / "CMakeCache.txt").exists() or not floor.exists():
            say(f"configuring {folder}")
            run_quietly("configuring the release build", [
                "cmake", "--preset", "release", "-B", str(folder), "-DROCKETPUSH_BUILD_BENCH=ON"], 600, cwd=ROOT)
        say("building rocketcat and floor (the first time takes minutes)")
        run_quietly("building rocketcat and floor", [
            "cmake", "--build", str(folder), "--target", "rocketcat", "bench_floor"], 3600, cwd=ROOT)
    for program in (rocketcat, floor):
        if not os.access(program, os.X_OK):
            raise Failure(f"{program} is not there" + ("" if may_build else "; leave --no-build out to have it built"))
    return rocketcat, floor


def java_command(folder, options):
    """The Java program's command; compiled anew when its source changed."""
    for tool in ("java", "javac"):
        if not shutil.which(tool):
            raise Failure(f"{tool} is not installed (scripts/install-dependencies --real-broker)")
    jars = pathlib.Path(run_quietly("fetching RocketMQ's jars", [str(CLUSTER), "fetch", VERSION], 900).strip())
    chosen = [jar for jar in sorted(jars.glob("*.jar"))
              if not jar.name.startswith("rocketmq-") or jar.name.startswith(CLIENT_JARS)]
    class_path = ":".join(map(str, chosen))
    source = ROOT / "bench" / "java" / "JavaPeer.java"
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
    classes = folder / "bench" / f"java-peer-{VERSION}-{digest}"
    if not classes.is_dir():
        classes.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=classes.parent, prefix=".javac-") as scratch:
            made = pathlib.Path(scratch) / "classes"
            run_quietly("compiling bench/java/JavaPeer.java", [
                "javac", "-nowarn", "-proc:none", "-cp", class_path, "-d", str(made), str(source)], 300)
            made.rename(classes)
    return ["java", *options, "-cp", f"{classes}:{class_path}", "JavaPeer"]


def parse_peer(text):
    name, separator, command = text.partition("=")
    words = shlex.split(command)
    if not separator or not name or not words:
        raise Failure(f"--peer {text}: it is NAME=COMMAND")
    if not shutil.which(words[0]):
        raise Failure(f"--peer {text}: {words[0]} is not there, or cannot be run")
    return Peer(name, tuple(words), f"`{os.path.basename(words[0])}`")


def all_peers(rocketcat, floor, java, others):
    consume = (str(rocketcat), "consume", "--threads", "20")
    return [
        Peer("floor", (str(floor),), "bare loop over plain sockets that walks message sizes (`bench/floor`)", False),
        Peer("inline", (*consume, "--executor", "inline"), "`rocketcat consume --executor inline`"),
        Peer("pool", (*consume, "--executor", "pool"), "`rocketcat consume --executor pool --threads 20`"),
        Peer("java", (*java, "--threads", "20"),
             f"official Java client {VERSION}, `DefaultMQPushConsumer`, 20 threads (`bench/java`)"),
        *others,
    ]


# What a reader needs to know to run it again ------------------------------------------------------------------------


def first_line(command, stream="stdout"):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, cwd=ROOT)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return (getattr(done, stream).strip().splitlines() or ["unknown"])[0]


def versions(rocketcat, build_folder):
    compiler = "c++"
    cache = build_folder / "CMakeCache.txt"
    if cache.exists():
        for line in cache.read_text().splitlines():
            if line.startswith("CMAKE_CXX_COMPILER:"):
                compiler = line.split("=", 1)[1]
    commit = first_line(["git", "rev-parse", "--short", "HEAD"])
    if first_line(["git", "status", "--porcelain", "--", "include", "examples", "bench/floor"]) != "unknown":
        commit += " with changes"
    return {
        "rocketpush": f"{first_line([str(rocketcat), '--version'])} (commit {commit})",
        "compiler": first_line([compiler, "--version"]) + ", CMake build type Release",
        "RocketMQ": f"{VERSION}, broker, name server and Java client",
        "Java": first_line(["java", "-version"], "stderr"),
        "Python": sys.version.split()[0],
    }


def machine():
    model, memory, system = "unknown", 0, "unknown"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    for line in pathlib.Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemTotal:"):
            memory = int(line.split()[1]) / 1024 / 1024
    release = pathlib.Path("/etc/os-release")
    if release.exists():
        for line in release.read_text().splitlines():
            if line.startswith("PRETTY_NAME="):
                system = line.split("=", 1)[1].strip('"')
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": model,
        "memory_gib": round(memory, 1),
        "kernel": f"Linux {os.uname().release}",
        "system": system,
    }
