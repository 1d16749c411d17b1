"""Nodes for tests/bench/scaling: a process that holds thousands of them and does to the brokers, at given rates, what
nodes do: connect, answer heartbeats, leave, and exchange the messages of negotiations.

All happens at random moments (Poisson), since nodes know nothing of each other. What happened is counted, so that the
cost of each event can be calculated.
"""
import multiprocessing
import random
import select
import socket
import time

MESSAGES = 22  # of a negotiation: a description each way, then ten candidates each way
DESCRIPTION, CANDIDATE = 1800, 150  # bytes of the payload
NEGOTIATION_S = 0.7  # how long one takes
IP_BIND_ADDRESS_NO_PORT = 24
KINDS = ("local", "cross")


def frame(text, opcode=1):
    """Of a client; the mask is zero, which RFC 6455 allows, so the bytes stay as they are."""
    size = len(text)
    length = bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126, size >> 8, size & 255])
    return bytes([0x80 | opcode]) + length + bytes(4) + text


class Node:
    def __init__(self, name, broker, stays):
        self.name = name
        self.broker = broker
        self.stays = stays  # it exchanges messages, so it does not leave
        self.ready = False
        self.upgraded = False
        self.socket = None
        self.received = b""


class Clock:
    """When something that happens at random moments is due next."""

    def __init__(self):
        self.rate = 0
        self.due = float("inf")

    def set_rate(self, rate):
        self.rate = rate
        self.due = time.monotonic() + random.expovariate(rate) if rate else float("inf")

    def times_due(self, now):
        count = 0
        while self.due <= now:
            self.due += random.expovariate(self.rate)
            count += 1
        return count


class Crowd:
    def __init__(self, ports, pipe):
        self.ports = ports
        self.pipe = pipe
        self.poll = select.epoll()
        self.nodes = {}  # by descriptor
        self.leaving = [[] for _ in ports]  # ready nodes that may leave
        self.staying = [[] for _ in ports]
        self.next_stayer = [0 for _ in ports]
        self.clocks = {name: Clock() for name in ("connect", "churn", "attempt", *KINDS)}
        self.to_connect = 0
        self.attempted = []  # names that `attempt` tries at the first broker
        self.open = {kind: [] for kind in KINDS}
        self.counts = dict.fromkeys(
            ("connects", "leaves", "pings", "local", "cross", "delivered", "acknowledged", "unavailable"), 0)
        self.faults = []
        self.doomed = None  # the broker that is about to be killed
        self.serial = 0

    # Commands of the script

    def obey(self, command, argument):
        if command == "rates":
            for name, rate in argument.items():
                self.clocks[name].set_rate(rate)
        elif command == "grow":
            self.to_connect += argument
        elif command == "names":
            return [node.name for node in self.nodes.values() if node.broker == argument]
        elif command == "doom":
            self.doomed = argument
        elif command == "attempt":
            self.attempted = argument
        return {"counts": dict(self.counts), "nodes": sum(node.ready for node in self.nodes.values()),
                "faults": self.faults[:5]}

    # Nodes

    def connect(self, broker, stays, name=None):
        self.serial += 1
        node = Node(name or f"node-{self.serial:08d}-of-the-crowd", broker, stays)
        one = node.socket = socket.socket()
        one.setblocking(False)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        one.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        one.bind((f"127.0.0.{11 + self.serial % 16}", 0))
        one.connect_ex(("127.0.0.1", self.ports[broker]))
        self.nodes[one.fileno()] = node
        self.poll.register(one.fileno(), select.EPOLLOUT)

    def request(self, node):
        self.poll.modify(node.socket.fileno(), select.EPOLLIN)
        node.socket.send((
            f"GET /socket.io/?EIO=4&transport=websocket&id={node.name}&version=1&runtime=NODE HTTP/1.1\r\n"
            f"Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n").encode())

    def end(self, node):
        self.nodes.pop(node.socket.fileno(), None)
        node.socket.close()
        node.ready = False

    def lose(self, node):
        if node.broker != self.doomed:
            self.faults.append(f"{node.name} was disconnected")
        self.end(node)

    def leave(self, broker):
        among = self.leaving[broker]
        if not among:
            return
        at = random.randrange(len(among))
        among[at], among[-1] = among[-1], among[at]
        node = among.pop()
        node.socket.send(frame(b"\x03\xe8", 8))
        self.end(node)
        self.counts["leaves"] += 1
        self.connect(broker, stays=False)

    def send(self, node, text):
        data = frame(text)
        if node.socket.send(data) != len(data):
            self.faults.append("a socket takes no more bytes")

    def read(self, node):
        try:
            received = node.socket.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        if not received:
            self.lose(node)
            return
        data = node.received = node.received + received
        if not node.upgraded:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                return
            if not data.startswith(b"HTTP/1.1 101"):
                if data.startswith(b"HTTP/1.1 503"):
                    self.counts["unavailable"] += 1
                else:
                    self.faults.append(data[:60].decode("latin1"))
                self.end(node)
                return
            node.upgraded = True
            data = data[end + 4:]
        at = 0
        while len(data) - at >= 2:
            if data[at] & 15 == 8:
                self.lose(node)
                return
            size, head = data[at + 1], 2
            if size == 126:
                size, head = int.from_bytes(data[at + 2:at + 4], "big"), 4
            if len(data) - at < head + size:
                break
            self.take(node, data[at + head:at + head + size])
            at += head + size
        node.received = data[at:]

    def take(self, node, text):
        if text.startswith(b"43"):
            self.counts["acknowledged"] += 1
            if not text.endswith(b'["OK"]'):
                self.faults.append(text[-40:].decode())
        elif text == b"2":
            self.send(node, b"3")
            self.counts["pings"] += 1
        elif text.startswith(b'42["AUTH'):
            node.ready = True
            (self.staying if node.stays else self.leaving)[node.broker].append(node)
            self.counts["connects"] += 1
        elif text.startswith(b"42"):
            self.counts["delivered"] += 1
        elif text.startswith(b"0"):
            self.send(node, b"40")
        elif text.startswith(b"44"):
            self.faults.append(text[:80].decode())

    # Messages

    def one_of(self, broker):
        """Each in turn, so that a broker rarely knows from an earlier negotiation where the receiver is."""
        among = self.staying[broker]
        self.next_stayer[broker] += 1
        return among[self.next_stayer[broker] % len(among)]

    def pair(self, kind):
        here = random.randrange(len(self.ports))
        others = [here] if kind == "local" else [one for one in range(len(self.ports)) if one != here]
        return [self.one_of(here), self.one_of(random.choice(others))]

    def message(self, kind):
        among = self.open[kind]
        if len(among) < max(4, self.clocks[kind].rate * NEGOTIATION_S / MESSAGES):
            # The first ones begin in the middle, so that they do not end together.
            among.append([*self.pair(kind), random.randrange(MESSAGES)])
        at = random.randrange(len(among))
        negotiation = among[at]
        sender, receiver, number = negotiation
        content = "x" * (DESCRIPTION if number < 2 else CANDIDATE)
        self.send(sender, (f'42{self.counts[kind] % 10 ** 7:07d}["SOCKET_MSG_EXCHANGE","{{\\"from\\":\\"{sender.name}\\",'
                           f'\\"to\\":\\"{receiver.name}\\",\\"content\\":\\"{content}\\"}}"]').encode())
        self.counts[kind] += 1
        if number + 1 < MESSAGES:
            among[at] = [receiver, sender, number + 1]
        else:
            among[at] = [*self.pair(kind), 0]

    def do_what_is_due(self, now):
        if self.to_connect:
            for _ in range(min(self.to_connect, self.clocks["connect"].times_due(now))):
                self.to_connect -= 1
                self.connect(self.to_connect % len(self.ports), stays=self.to_connect // len(self.ports) % 2 == 0)
        for _ in range(self.clocks["churn"].times_due(now)):
            self.leave(random.randrange(len(self.ports)))
        for _ in range(self.clocks["attempt"].times_due(now)):
            self.attempted.append(self.attempted.pop(0))
            self.connect(0, False, self.attempted[-1])
        for kind in KINDS:
            for _ in range(self.clocks[kind].times_due(now)):
                self.message(kind)

    def run(self):
        self.poll.register(self.pipe.fileno(), select.EPOLLIN)
        while True:
            wait = min(clock.due for clock in self.clocks.values()) - time.monotonic()
            # epoll's own timeout is in whole milliseconds.
            if wait > 0:
                select.select([self.poll.fileno()], [], [], min(wait, 1))
            for descriptor, event in self.poll.poll(0, 256):
                node = self.nodes.get(descriptor)
                if node and event & select.EPOLLOUT:
                    self.request(node)
                elif node:
                    self.read(node)
                elif descriptor == self.pipe.fileno():
                    try:
                        self.pipe.send(self.obey(*self.pipe.recv()))
                    except EOFError:
                        return
            self.do_what_is_due(time.monotonic())


class Nodes:
    """The process, as the script sees it."""

    def __init__(self, ports):
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=self.work, args=(ports, theirs, self.pipe), daemon=True)
        self.process.start()
        theirs.close()

    @staticmethod
    def work(ports, pipe, other_end):
        other_end.close()
        Crowd(ports, pipe).run()

    def ask(self, command, argument=None):
        self.pipe.send((command, argument))
        if not self.pipe.poll(20):
            raise RuntimeError("the process of the nodes does not answer")
        return self.pipe.recv()

    def rates(self, **rates):
        self.ask("rates", rates)

    def grow(self, count, rate):
        """Connects so many more nodes, and returns when all are connected."""
        before = self.ask("look")
        self.rates(connect=rate)
        self.ask("grow", count)
        limit = time.monotonic() + 10 + 3 * count / rate
        while (state := self.ask("look"))["nodes"] < before["nodes"] + count:
            if time.monotonic() > limit:
                raise RuntimeError(f"only {state['nodes']} nodes are connected: {state}")
            time.sleep(0.05)
        self.rates(connect=0)

    def stop(self):
        self.pipe.close()
        self.process.join(5)
        self.process.kill()
