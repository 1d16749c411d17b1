"""Servers for tests/bench/scaling: a Redis and brokers of its own, and what they have consumed."""
import multiprocessing
import os
import re
import select
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

STARTUP_S = 15


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def cpu_us(pid):
    """CPU time of a process with all its threads (clock_getcpuclockid), in µs."""
    return time.clock_gettime(((~pid) << 3) | 2) * 1e6


def resident_bytes(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1]) * 1024


class Server:
    def __init__(self, name, command, folder, env=None):
        self.name = name
        self.log = folder / f"{name}.log"
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command], cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={"PATH": os.environ["PATH"], "HOME": str(folder)} | {key: str(value) for key, value in (env or {}).items()},
                start_new_session=True)

    @property
    def pid(self):
        return self.process.pid

    def wait_for(self, ready):
        limit = time.monotonic() + STARTUP_S
        while not ready():
            if time.monotonic() > limit or self.process.poll() is not None:
                raise RuntimeError(f"{self.name} does not start:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.02)

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Broker(Server):
    def __init__(self, binary, number, folder, settings):
        self.port = free_port()
        super().__init__(f"broker{number}", [binary], folder,
                         {"BIND_ADDRESS": "127.0.0.1", "PORT": self.port, "LOG_LEVEL": 0, "DRAIN_DURATION_MS": 0} | settings)
        self.wait_for(lambda: self.answers(200, "GET /readyz HTTP/1.0\r\n\r\n"))

    def admits(self):
        return self.answers(101, (
            "GET /socket.io/?EIO=4&transport=websocket&id=first&version=1&runtime=NODE HTTP/1.1\r\nHost: localhost\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"))

    def answers(self, status, request):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as one:
                one.sendall(request.encode())
                return one.recv(4096).startswith(f"HTTP/1.1 {status} ".encode())
        except OSError:
            return False


class Redis(Server):
    """Without persistence. Its figures do not contain what asking for them costs, but for its CPU time."""

    def __init__(self, folder, port=None, options=()):
        self.port = port or free_port()
        # A folder of its own: a replica leaves a file there, which the next server would load.
        super().__init__("redis", ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--save", "", "--appendonly",
                                   "no", *options], Path(tempfile.mkdtemp(dir=folder)))
        self.connection = None
        self.own_in = self.own_out = 0
        self.wait_for(self.is_up)
        self.start_cpu = cpu_us(self.pid)

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}"

    def is_up(self):
        try:
            self.connection = socket.create_connection(("127.0.0.1", self.port), 5)
            self.reader = self.connection.makefile("rb")
            return self.command("PING") == "PONG"
        except OSError:
            return False

    def command(self, *words):
        request = b"*%d\r\n" % len(words) + b"".join(
            b"$%d\r\n%s\r\n" % (len(word), word) for word in (str(one).encode() for one in words))
        self.connection.sendall(request)
        self.own_in += len(request)
        line = self.reader.readline()
        self.own_out += len(line)
        if line[:1] == b"$" and (size := int(line[1:])) >= 0:
            body = self.reader.read(size + 2)
            self.own_out += len(body)
            return body[:-2].decode()
        if line[:1] in (b"-", b""):
            raise RuntimeError(f"Redis: {line.decode().strip()}")
        return line[1:].decode().strip()

    def info(self):
        """All numbers of INFO; the calls of each command as `calls_NAME`."""
        own_out = self.own_out  # of what has been answered before
        facts = {}
        for line in self.command("INFO", "all").splitlines():
            name, _, value = line.partition(":")
            if called := re.match(r"cmdstat_(\S+)", name):
                facts["calls_" + called[1].replace("|", "_")] = int(re.search(r"calls=(\d+)", value)[1])
            elif re.fullmatch(r"-?\d+(\.\d+)?", value):
                facts[name] = float(value)
        facts["total_net_input_bytes"] -= self.own_in
        facts["total_net_output_bytes"] -= own_out
        return facts


class Subscribers:
    """A process that subscribes to channels, by a connection for each, and discards what comes."""

    def __init__(self, port, channels):
        ready, theirs = multiprocessing.Pipe(duplex=False)
        self.process = multiprocessing.Process(target=self.work, args=(port, channels, theirs), daemon=True)
        self.process.start()
        if not ready.poll(STARTUP_S):
            raise RuntimeError("the subscribers do not start")

    @staticmethod
    def work(port, channels, ready):
        sockets = {}
        for channel in channels:
            one = socket.create_connection(("127.0.0.1", port))
            one.sendall(f"SUBSCRIBE {channel}\r\n".encode())
            one.recv(4096)
            sockets[one.fileno()] = one
        poll = select.epoll()
        for descriptor in sockets:
            poll.register(descriptor, select.EPOLLIN)
        ready.send(True)
        while True:
            for descriptor, _ in poll.poll():
                if not sockets[descriptor].recv(1 << 20):
                    return

    def stop(self):
        self.process.kill()
        self.process.join()


def commands_of(info):
    """What clients have sent: INFO also counts what scripts call. Each script for a lease reads its key first; that for
    the list of brokers asks for the time, and comes with a SET of the broker's status."""
    def calls(name):
        return info.get(f"calls_{name}", 0)
    statuses = calls("time")
    on_leases = calls("evalsha") - statuses
    return {
        "leases": on_leases,
        "lookups": calls("get") - on_leases,
        "publications": calls("publish") + calls("spublish"),
        "others": 2 * statuses + calls("hello") + calls("ping") + calls("role") + calls("wait"),
    }
