"""What is measured: the workloads, who runs them and how, and the targets. Read by run.py.

A target is a ratio to the limit program or to a peer of the same run, or an absolute bound.
"""

from dataclasses import dataclass

GIB = 1 << 30


@dataclass(frozen=True)
class Workload:
    unit: str
    what: str


@dataclass(frozen=True)
class Target:
    bound: float
    reference: str = None  # a peer; None: the value itself
    at_most: bool = True

    def text(self):
        sign = "<=" if self.at_most else ">="
        if self.reference is None:
            return f"{sign} {self.bound:g}"
        return f"{sign} {self.bound:g}x {self.reference}"


@dataclass(frozen=True)
class Load:
    """Arguments of the load generator, and which of its numbers is the workload's value.

    A saturated server is measured in messages for each second of its CPU time (`per_cpu_s`): the
    rate it would reach alone, which does not suffer when neighbours take the core.
    """

    arguments: tuple
    value: str
    program: str = "bench_load"


@dataclass(frozen=True)
class Job:
    workload: str
    peer: str
    program: str
    arguments: tuple = ()
    quick: tuple = ()  # added for a quick run
    also: tuple = ()  # workloads that the same run reports beside
    rename: str = None  # shown under this name
    extra: bool = False  # only with --all
    in_quick: bool = True
    most: int = 1000  # repetitions at most
    memory: int = 0  # bytes that must be free


WORKLOADS = {
    "switch": Workload("ns", "two tasks yielding to each other, a switch"),
    "spawn": Workload("ns", "spawn and join of a trivial task"),
    "batch_spawn": Workload("ns", "10,000 tasks alive at once, each yields once, joined; a task"),
    "mutex": Workload("ns", "a mutex handed round 100 tasks, each gives way once with it; a hand-over"),
    "channel": Workload("ns", "a message each way, no buffer: a round trip of two tasks"),
    "channel_128": Workload("ns", "one way through a buffer of 128: a message"),
    "timeout": Workload("ns", "a timeout armed and disarmed around a call that does not wait"),
    "sleepers": Workload("us CPU", "100,000 new tasks sleep up to a second: CPU a task, all in"),
    "lateness": Workload("us", "how late a sleep of a millisecond ends, median"),
    "cancel_all": Workload("ns", "100,000 sleeping tasks cancelled and joined, a task"),
    "memory_10k": Workload("bytes", "resident memory of a parked task, 10,000 of them"),
    "memory_1m": Workload("bytes", "resident memory of a parked task, 1,000,000 of them"),
    "cold_task": Workload("ns", "making a task on a stack never touched, until it is parked"),
    "echo_1": Workload("req/s", "TCP echo, 64 bytes, one connection"),
    "echo_50": Workload("us CPU", "TCP echo, 64 bytes, 50 connections: server CPU a request"),
    "echo_500": Workload("us CPU", "TCP echo, 64 bytes, 500 connections: server CPU a request"),
    "echo_10k": Workload("us CPU", "TCP echo, 64 bytes, 10,000 connections: server CPU a request"),
    "echo_pipelined": Workload("msg/CPU s", "TCP echo, 64 bytes, 50 connections, 16 deep"),
    "echo_64k": Workload("msg/CPU s", "TCP echo, 64 KiB messages, 50 connections"),
    "thread_call": Workload("us", "a call that does nothing on a worker thread, there and back"),
    "thread_wake": Workload("us", "messages that another thread sends, a message"),
    "shards": Workload("us CPU", "echo_50 on several runs, a thread each: server CPU a request"),
    "shards_rate": Workload("req/s", "the same with 0.1 ms of computing for each request: requests "
                                     "a second"),
    "portal_call": Workload("us CPU", "a task has another run do nothing, there and back by portals"),
    "portal_call_wall": Workload("us", "the same: how long it takes"),
    "portal_block": Workload("us CPU", "a thread has a task of a run do nothing, there and back"),
    "portal_block_wall": Workload("us", "the same: how long it takes"),
    "remote_channel": Workload("us CPU", "a message into a channel of another run"),
    "remote_channel_wall": Workload("us", "the same: how long its sender waits"),
    "churn": Workload("us CPU", "connect, one echo, close, 32 at once: server CPU a connection"),
    "udp_1": Workload("us CPU", "UDP echo, 64 bytes, one client: server CPU a packet"),
    "udp_50": Workload("us CPU", "UDP echo, 64 bytes, 50 clients: server CPU a packet"),
    "udp_burst": Workload("us CPU", "UDP echo, 64 bytes, 8 clients, each 16 packets at once: "
                                    "server CPU a packet"),
}

TARGETS = {
    "switch": (Target(1.6, "limit"),),
    "spawn": (Target(1.7, "limit"),),
    "batch_spawn": (Target(1.7, "limit"),),
    "mutex": (Target(2.0, "limit"), Target(1.0, "boost.fiber"), Target(1.0, "go")),
    "channel": (Target(1.8, "limit"), Target(1.0, "boost.fiber")),
    "channel_128": (Target(2.0, "limit"), Target(1.0, "boost.fiber")),
    "timeout": (Target(30), Target(1.0, "libuv")),
    "sleepers": (Target(1.0, "boost.fiber"), Target(1.0, "go")),
    "lateness": (Target(1.0, "asio"),),
    "cancel_all": (Target(2.5, "limit"), Target(1.0, "go")),
    "memory_10k": (Target(1.04, "limit"),),
    "memory_1m": (Target(1.04, "limit"),),
    "cold_task": (Target(1.4, "limit"),),
    "echo_1": (Target(0.95, "libuv", at_most=False),),
    "echo_50": (Target(1.03, "libuv"),),
    "echo_500": (Target(1.0, "libuv"),),
    "echo_pipelined": (Target(0.98, "libuv", at_most=False),),
    "echo_64k": (Target(1.0, "libuv", at_most=False),),
    "thread_call": (Target(1.3, "asio"),),
    "thread_wake": (Target(1.5, "asio"),),
    "churn": (Target(1.05, "libuv"),),
}

LOADS = {
    "echo_1": Load(("--connections", "1"), "requests_per_s"),
    "echo_50": Load(("--connections", "50"), "cpu_us"),
    "echo_500": Load(("--connections", "500"), "cpu_us"),
    "echo_pipelined": Load(("--connections", "50", "--depth", "16"), "per_cpu_s"),
    "echo_64k": Load(("--connections", "50", "--size", "65536"), "per_cpu_s"),
    "echo_10k": Load(("--connections", "10000", "--warm-ms", "1000"), "cpu_us"),
    "shards": Load(("--connections", "50"), "cpu_us"),
    "shards_rate": Load(("--connections", "50"), "requests_per_s"),
    "churn": Load(("--connections", "32"), "cpu_us", "bench_churn"),
    "udp_1": Load(("--clients", "1"), "cpu_us", "bench_load_udp"),
    "udp_50": Load(("--clients", "50"), "cpu_us", "bench_load_udp"),
    "udp_burst": Load(("--clients", "8", "--depth", "16"), "cpu_us", "bench_load_udp"),
}

UDP_LOADS = tuple(name for name in LOADS if name.startswith("udp"))
TCP_LOADS = tuple(name for name in LOADS
                  if name not in (*UDP_LOADS, "shards", "shards_rate"))

FEW = ("--n", "100000")
MILLION = ("--n", "1000000")
BIG_STACK = ("--stack", str(256 * 1024))


def _limit_jobs():
    yield Job("switch", "limit", "limit_switch", quick=FEW)
    yield Job("spawn", "limit", "limit_spawn", quick=FEW)
    yield Job("spawn", "limit_loop", "limit_spawn", ("--fresh", "0"), quick=FEW, extra=True)
    yield Job("batch_spawn", "limit", "limit_spawn", quick=FEW)
    yield Job("batch_spawn", "limit", "limit_spawn", BIG_STACK, quick=FEW,
              rename="limit, 256 KiB stacks", extra=True)
    yield Job("batch_spawn", "limit", "limit_spawn", ("--colours", "16"), quick=FEW,
              rename="limit, coloured", extra=True)
    yield Job("mutex", "limit", "limit_mutex", quick=FEW)
    for workload in ("channel", "channel_128"):
        yield Job(workload, "limit", "limit_channel", quick=FEW)
    yield Job("timeout", "limit", "limit_timeout", quick=FEW)
    yield Job("cancel_all", "limit", "limit_cancel", quick=("--n", "10000"))
    yield Job("cancel_all", "limit_heap", "limit_cancel", ("--heap", "1"), quick=("--n", "10000"))
    yield Job("cancel_all", "limit_heap", "limit_cancel", ("--heap", "1", *BIG_STACK),
              rename="limit_heap, 256 KiB stacks", extra=True)
    yield Job("sleepers", "limit", "limit_sleep", quick=("--n", "1000"))
    yield Job("lateness", "limit", "limit_sleep", quick=("--n", "50"))
    yield Job("memory_10k", "limit", "limit_memory")
    yield Job("memory_1m", "limit", "limit_memory", MILLION, also=("cold_task",),
              in_quick=False, most=3, memory=6 * GIB)
    yield Job("cold_task", "limit_noguard", "limit_memory", ("--guard", "0", *MILLION),
              quick=("--n", "10000"), in_quick=False, most=3, memory=6 * GIB, extra=True)
    for workload in TCP_LOADS:
        yield Job(workload, "limit", "limit_echo")
    for workload in UDP_LOADS:
        yield Job(workload, "limit", "limit_udp")
        yield Job(workload, "limit, many", "limit_udp", ("--many", "1"))


def _peer_jobs():
    yield Job("timeout", "libuv", "uv_timeout", quick=FEW)
    yield Job("timeout", "libuv", "uv_timeout", ("--exact", "1"), quick=FEW, rename="libuv, exact")
    for workload in TCP_LOADS:
        yield Job(workload, "libuv", "uv_echo")
    for workload in UDP_LOADS:
        yield Job(workload, "libuv", "uv_udp")
        yield Job(workload, "libuv, many", "uv_udp", ("--many", "1"))
    yield Job("sleepers", "libuv", "uv_sleep", quick=("--n", "1000"))
    yield Job("sleepers", "boost.fiber", "fiber_sleep", quick=("--n", "1000"), memory=3 * GIB)
    yield Job("lateness", "libuv", "uv_sleep", quick=("--n", "50"))
    yield Job("lateness", "boost.fiber", "fiber_sleep", quick=("--n", "50"))
    for workload in ("thread_call", "thread_wake"):
        yield Job(workload, "libuv", "uv_thread", quick=("--n", "10000"))
    yield Job("echo_64k", "libuv", "uv_echo", ("--own", "1"), rename="libuv, own buffers")
    for workload in TCP_LOADS:
        yield Job(workload, "boost.fiber", "fiber_echo")
    yield Job("switch", "boost.fiber", "fiber_switch", quick=FEW)
    yield Job("spawn", "boost.fiber", "fiber_spawn", quick=FEW)
    yield Job("batch_spawn", "boost.fiber", "fiber_spawn", quick=FEW)
    yield Job("mutex", "boost.fiber", "fiber_mutex", quick=FEW)
    for workload in ("channel", "channel_128"):
        yield Job(workload, "boost.fiber", "fiber_channel", quick=FEW)
    yield Job("memory_10k", "boost.fiber", "fiber_memory")
    yield Job("cold_task", "boost.fiber", "fiber_memory", ("--n", "100000"), quick=("--n", "10000"),
              in_quick=False, most=3, memory=3 * GIB)


def _asio_jobs():
    """By callbacks, and by coroutines: `asio.co`."""
    for workload in ("switch", "spawn", "batch_spawn", "channel", "channel_128"):
        yield Job(workload, "asio.co", "asio_co", quick=FEW)
    yield Job("sleepers", "asio.co", "asio_co", quick=("--n", "1000"))
    yield Job("timeout", "asio", "asio_sleep", quick=FEW)
    yield Job("lateness", "asio", "asio_sleep", quick=("--n", "50"))
    yield Job("cancel_all", "asio.co", "asio_co", quick=("--n", "10000"))
    yield Job("memory_10k", "asio.co", "asio_co")
    for workload in ("thread_call", "thread_wake"):
        yield Job(workload, "asio", "asio_thread", quick=("--n", "10000"))
    for workload in TCP_LOADS:
        yield Job(workload, "asio", "asio_echo")
        yield Job(workload, "asio.co", "asio_co")
    for workload in UDP_LOADS:
        yield Job(workload, "asio", "asio_udp")


def _tokio_jobs():
    for workload in ("switch", "spawn", "batch_spawn", "mutex", "channel", "channel_128",
                     "timeout"):
        yield Job(workload, "tokio", "tokio_bench", quick=FEW)
    yield Job("sleepers", "tokio", "tokio_bench", quick=("--n", "1000"))
    yield Job("lateness", "tokio", "tokio_bench", quick=("--n", "50"))
    for workload in ("cancel_all", "thread_call", "thread_wake"):
        yield Job(workload, "tokio", "tokio_bench", quick=("--n", "10000"))
    yield Job("memory_10k", "tokio", "tokio_bench")
    yield Job("memory_1m", "tokio", "tokio_bench", MILLION, also=("cold_task",), in_quick=False,
              most=3, memory=GIB)
    for workload in TCP_LOADS:
        yield Job(workload, "tokio", "tokio_bench", ("--workload", "echo"))
    for workload in UDP_LOADS:
        yield Job(workload, "tokio", "tokio_bench", ("--workload", "udp"))


def _go_jobs():
    for workload, quick in (("switch", FEW), ("spawn", FEW), ("batch_spawn", FEW),
                            ("mutex", FEW), ("channel", FEW), ("channel_128", FEW), ("timeout", FEW),
                            ("sleepers", ("--n", "1000")), ("lateness", ("--n", "50")),
                            ("cancel_all", ("--n", "10000")), ("memory_10k", ()),
                            ("thread_call", ("--n", "10000"))):
        yield Job(workload, "go", "go_bench", quick=quick)
    yield Job("memory_1m", "go", "go_bench", MILLION, also=("cold_task",), in_quick=False, most=3,
              memory=6 * GIB)
    for workload in TCP_LOADS:
        yield Job(workload, "go", "go_bench")
    for workload in UDP_LOADS:
        yield Job(workload, "go", "go_bench", ("--workload", "udp"))


def _python_jobs():
    """Slow, and far from everybody else: two repetitions will do."""
    for peer in ("trio", "uvloop"):
        program = f"python_{peer}.py"
        for workload in ("switch", "spawn", "batch_spawn", "mutex", "channel", "channel_128",
                         "sleepers", "cancel_all", "thread_call"):
            quick = ("--n", "10000" if workload == "batch_spawn" else "2000")
            yield Job(workload, peer, program, quick=quick, most=2)
        for workload in TCP_LOADS:
            if workload != "echo_10k":
                yield Job(workload, peer, program, most=2)


def _our_jobs():
    """Ours on the shared library, as users link it; with --all on the static one too."""
    for suffix, peer, extra in (("", "structio", False), ("_static", "structio_static", True)):
        yield Job("switch", peer, "bench_switch" + suffix, quick=FEW, extra=extra)
        yield Job("spawn", peer, "bench_spawn" + suffix, quick=FEW, extra=extra)
        yield Job("spawn", peer, "bench_spawn" + suffix, ("--handle", "1"), quick=FEW,
                  rename=peer + ", handle", extra=True)
        yield Job("batch_spawn", peer, "bench_spawn" + suffix, quick=FEW, extra=extra)
        yield Job("mutex", peer, "bench_mutex" + suffix, quick=FEW, extra=extra)
        for workload in ("channel", "channel_128"):
            yield Job(workload, peer, "bench_channel" + suffix, quick=FEW, extra=extra)
            yield Job(workload, peer, "bench_channel" + suffix, ("--face", "1"), quick=FEW,
                      rename=peer + ", face", extra=True)
        yield Job("timeout", peer, "bench_timeout" + suffix, quick=FEW, extra=extra)
        yield Job("timeout", peer, "bench_timeout" + suffix, ("--scope", "1"), quick=FEW,
                  rename=peer + ", scope", extra=True)
        yield Job("sleepers", peer, "bench_sleep" + suffix, quick=("--n", "1000"), memory=GIB,
                  extra=extra)
        yield Job("lateness", peer, "bench_sleep" + suffix, quick=("--n", "50"), extra=extra)
        yield Job("cancel_all", peer, "bench_cancel" + suffix, quick=("--n", "10000"), extra=extra)
        yield Job("memory_10k", peer, "bench_memory" + suffix, extra=extra)
        yield Job("memory_1m", peer, "bench_memory" + suffix, MILLION, also=("cold_task",),
                  in_quick=False, most=3, memory=6 * GIB, extra=extra)
        for workload in ("thread_call", "thread_wake"):
            yield Job(workload, peer, "bench_thread" + suffix, quick=("--n", "10000"), extra=extra)
        for workload in TCP_LOADS:
            yield Job(workload, peer, "bench_echo" + suffix, extra=extra)
        for workload in ("echo_500", "echo_10k"):
            yield Job(workload, peer, "bench_echo" + suffix, ("--buffer", "1024"),
                      rename=peer + ", small buffers", extra=extra)
        for workload in UDP_LOADS:
            yield Job(workload, peer, "bench_udp" + suffix, extra=extra)
            yield Job(workload, peer, "bench_udp" + suffix, ("--many", "1"),
                      rename=peer + ", many", extra=extra)


# Steps of computing that take about 0.1 ms, so that the load generator needs little of its core.
COMPUTE = ("--work", "60000")


def _shard_jobs():
    """Several runs: on one core, where two must not cost more than one, and on both."""
    yield Job("shards", "structio", "bench_echo")
    yield Job("shards_rate", "structio", "bench_echo", COMPUTE)
    for name, arguments in (("limit", ()), ("limit, two cores", ("--spread", "1"))):
        yield Job("portal_call", "limit", "limit_remote", arguments, ("--n", "10000"),
                  ("portal_call_wall",), name)
    for name, arguments in (("2 shards", ()), ("2 shards, two cores", ("--spread", "1"))):
        yield Job("shards", "structio", "bench_echo", ("--shards", "2", *arguments), rename=name)
        yield Job("shards_rate", "structio", "bench_echo", (*COMPUTE, "--shards", "2", *arguments),
                  rename=name)
    for workload in ("portal_call", "remote_channel", "portal_block"):
        for name, arguments in (
                ("structio", ()), ("two cores", ("--spread", "1")),
                ("64 tasks", ("--tasks", "64")),
                ("64 tasks, two cores", ("--tasks", "64", "--spread", "1"))):
            if workload != "portal_block" or "--tasks" not in arguments:
                yield Job(workload, "structio", "bench_remote", arguments, ("--n", "10000"),
                          (workload + "_wall",), name)


JOBS = (*_limit_jobs(), *_our_jobs(), *_shard_jobs(), *_peer_jobs(), *_asio_jobs(), *_tokio_jobs(), *_go_jobs(),
        *_python_jobs())

# A quick run sees whether every program works, which for a server one workload shows; these run
# there only when `--only` asks for them.
NOT_QUICK = {"sleepers", "echo_1", "echo_500", "echo_10k", "echo_pipelined", "echo_64k", "shards",
             "shards_rate", "churn", "udp_1", "udp_50"}

# The peers in the order of the table's columns; what is not named here is a variant of one.
PEERS = ("libuv", "asio", "asio.co", "boost.fiber", "tokio", "go", "uvloop", "trio")

# What has to be installed for the programs that begin so, as Debian's packages.
NEEDS = {
    "limit_": "libboost-context-dev",
    "uv_": "libuv1-dev",
    "fiber_": "libboost-fiber-dev libasio-dev",
    "asio_": "libasio-dev",
    "go_": "golang-go",
    "tokio_": "cargo librust-tokio-dev",
    "python_trio": "python3-trio",
    "python_uvloop": "python3-uvloop",
}
