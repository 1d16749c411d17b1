"""The model of docs/scaling.md: its constants, from the samples of tests/bench/scaling, and what it says about a load."""
import math

FIGURES = ("broker CPU", "Redis CPU", "commands", "bytes in", "bytes out")
# A lease is renewed at a random moment between a quarter and a third of its time.
RENEWALS_PER_TTL = 24 / 7


def interpolated(points, at):
    """Between the points (x, y), over the logarithm of x; beyond them the value of the nearest."""
    points = sorted(points)
    if at <= points[0][0]:
        return points[0][1]
    for (low, below), (high, above) in zip(points, points[1:]):
        if at <= high:
            share = math.log(at / low) / math.log(high / low)
            return below + share * (above - below)
    return points[-1][1]


def handled_by_broker(load):
    """What each broker handles in a second: the more it is, the fewer wake-ups each costs."""
    return (load["local"] + 2 * load["cross"] + load["nodes"] / load["ping_s"] + 2 * load["churn"]) / load["brokers"]


def rate_of_pair(load):
    """Messages in a second from one worker to one other: the more these are, the more go together."""
    return load["cross"] / (load["brokers"] * max(1, load["brokers"] - 1) * load["workers"])


class Constants:
    """Costs of one event each: µs, commands, bytes."""

    def __init__(self, raw):
        self.raw = raw
        self.of = {}
        self.solve("Redis seconds", raw["no brokers"])
        one, four = raw["empty, 1"], raw["empty, 4"]
        seconds = one["events"]["broker seconds"], four["events"]["broker seconds"]
        self.of["worker seconds"] = {
            figure: max(0, four["costs"][figure] / seconds[1] - one["costs"][figure] / seconds[0]) / 3 for figure in FIGURES}
        self.solve("broker seconds", one)
        self.solve("pings", raw["pings"])
        self.of["pings"] |= dict.fromkeys(FIGURES[1:], 0)
        self.solve("renewals", raw["renewals"])
        self.solve("connects", raw["connects"])
        self.solve("leaves", raw["churn"])
        self.messages = {"local": [], "cross": []}
        for kind in self.messages:  # the others above are known by now
            for name, sample in raw.items():
                if name.startswith(kind + ", ") and "replica" not in name:
                    self.solve(kind, sample)
                    self.messages[kind].append((sample, self.of.pop(kind)))
        self.node_bytes = (raw["memory after"]["brokers"] - raw["memory before"]["brokers"]) / raw["connects"]["nodes"]
        self.broker_bytes = raw["memory before"]["brokers"] / 2
        self.lease_bytes = (raw["memory after"]["Redis"] - raw["memory before"]["Redis"]) / raw["connects"]["nodes"]
        self.connection_bytes = (four["memory"]["Redis"] - one["memory"]["Redis"]) / (four["connections"] - one["connections"])
        self.redis_bytes = one["memory"]["Redis"] - one["connections"] * self.connection_bytes
        # Commands that Redis reads at once: leases that are due at the same moment are renewed together.
        self.renewal_batch = raw["renewals"]["events"]["renewals"] / max(1, raw["renewals"]["costs"]["reads"]
                                                                         - raw["empty, 1"]["costs"]["reads"])
        self.solve("unavailable", raw["orphans"])
        self.attempt = self.of.pop("unavailable")
        restart = raw["restart"]
        self.rewritten = {figure: restart[figure] / restart["leases"] for figure in ("broker CPU", "Redis CPU", "bytes in")}
        self.replication = {
            "renewals": self.replicated("renewals, replica", "renewals"),
            "churn": self.replicated("churn, replica", "leaves"),
            "cross": self.replicated("cross, replica", "cross"),
        }

    def solve(self, event, sample):
        """What remains of the sample's cost when that of all other events is subtracted, for each event."""
        count = sample["events"][event]
        self.of[event] = {
            figure: max(0, sample["costs"][figure] - sum(
                number * self.of[other][figure] for other, number in sample["events"].items()
                if other != event and other in self.of)) / count
            for figure in FIGURES}

    def replicated(self, name, event):
        sample = self.raw[name]
        return sample["costs"]["replication"] / sample["events"][event]

    def with_replica(self, name, event):
        """Redis' CPU of an event, in µs, while a replica is connected."""
        self.solve(event, self.raw[name])
        return self.of.pop(event)["Redis CPU"]

    def message(self, kind, figure, load):
        """What one costs under this load."""
        spread = handled_by_broker if figure == "broker CPU" else rate_of_pair
        points = []
        for sample, cost in self.messages[kind]:
            alone = {"local": 0, "cross": 0, "nodes": 0, "ping_s": 1, "churn": 0, "brokers": sample["brokers"],
                     "workers": sample["workers"]} | {kind: sample["events"][kind] / sample["secs"]}
            points.append((spread(alone), cost[figure]))
        return interpolated(points, spread(load))

    def redis_us_per_command(self, rate):
        """Of messages between brokers: the more commands a second, the fewer wake-ups."""
        return interpolated([(sample["costs"]["commands"] / sample["secs"], cost["Redis CPU"] / cost["commands"])
                             for sample, cost in self.messages["cross"]], rate)

    def busy_us_per_command(self, name, batch=1):
        """Of Redis, where it has no time to sleep: a part for each command, a part for what is read at once."""
        alone, many = (self.raw[f"busy {name}, {pipeline}"]["Redis CPU"] for pipeline in (1, 16))
        command = (16 * many - alone) / 15
        return command + (alone - command) / max(1, batch)

    def connections(self, brokers, workers):
        """To Redis."""
        four, one = (self.raw[f"empty, {count}"]["connections"] / 2 for count in (4, 1))
        return brokers * (one + (workers - 1) * (four - one) / 3)

    def predict(self, load):
        """All figures for each second, and memory. `load` has nodes, brokers, workers, ping_s, ttl_s, and for each second
        `churn` (nodes that leave and others that come), `local` and `cross` messages."""
        events = events_of(load)
        brokers, workers = load["brokers"], load["workers"]
        figures = {figure: sum(number * self.of[event][figure] for event, number in events.items()) for figure in FIGURES}
        figures["broker CPU"] += load["local"] * self.message("local", "broker CPU", load)
        for figure in FIGURES:
            if figure != "Redis CPU":
                figures[figure] += load["cross"] * self.message("cross", figure, load)
        commands = load["cross"] * self.message("cross", "commands", load)
        figures["Redis CPU"] += commands * self.redis_us_per_command(figures["commands"])
        figures["memory of brokers"] = brokers * self.broker_bytes + load["nodes"] * self.node_bytes
        figures["memory of Redis"] = (self.redis_bytes + load["nodes"] * self.lease_bytes
                                      + self.connections(brokers, workers) * self.connection_bytes)
        return figures


def events_of(load):
    """In a second."""
    return {
        "Redis seconds": 1,
        "broker seconds": load["brokers"],
        "worker seconds": load["brokers"] * load["workers"],
        "pings": load["nodes"] / load["ping_s"],
        "renewals": load["nodes"] * RENEWALS_PER_TTL / load["ttl_s"],
        "connects": load["churn"],
        "leaves": load["churn"],
    }


def measured(sample):
    """The figures of `Constants.predict`."""
    figures = {figure: sample["costs"][figure] / sample["secs"] for figure in FIGURES}
    return figures | {"memory of brokers": sample["memory"]["brokers"], "memory of Redis": sample["memory"]["Redis"]}
