"""The tables of tests/bench/scaling, in Markdown, as they are in docs/scaling.md."""
import textwrap

from scaling_model import FIGURES, events_of, measured

# Figure, unit, divisor, at most so many times as much or as little as the model says.
CHECKED = (
    ("broker CPU", "CPU of all brokers, ms in a second", 1e3, 1.4),
    ("Redis CPU", "CPU of Redis, ms in a second", 1e3, 1.5),
    ("commands", "commands in a second", 1, 1.2),
    ("bytes in", "KB to Redis in a second", 1e3, 1.15),
    ("bytes out", "KB from Redis in a second", 1e3, 1.15),
    ("memory of brokers", "resident MB of all brokers", 1e6, 1.3),
    ("memory of Redis", "MB of Redis", 1e6, 1.15),
)
EVENTS = {
    "Redis seconds": "Redis, for each second",
    "broker seconds": "a broker, for each second",
    "worker seconds": "a worker of it, for each second",
    "pings": "a heartbeat of a node",
    "renewals": "the renewal of a lease",
    "connects": "a node that connects",
    "leaves": "a node that leaves",
}
CORE = 1e6  # µs of CPU in a second
LARGE = {"nodes": 1_000_000, "brokers": 50, "workers": 8, "ping_s": 25, "ttl_s": 60}
STAY_S, NEGOTIATION_S, MESSAGES = 1800, 600, 22  # a node stays so long, and begins a negotiation so often
RETRY_S = 3  # between attempts of a node that is refused
KEPT_TOGETHER = 0.1  # share of messages that still cross if a proxy sends most pairs to one broker
SHARDS, CHANNELS_OF_LARGEST = 3, 0.4


def number(value):
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}"


def say(sentence):
    print(textwrap.fill(sentence, 120, break_on_hyphens=False) + "\n")


def print_table(head, rows):
    print("| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|")
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print()


def print_constants(constants):
    say("An event costs:")
    head = ["", "broker CPU, µs", "Redis CPU, µs", "Redis commands", "bytes to Redis", "bytes from Redis"]
    rows = [[name, *(number(constants.of[event][figure]) for figure in FIGURES)] for event, name in EVENTS.items()]
    rows.append(["a node that is refused, since its id is held by a broker that was killed",
                 *(number(constants.attempt[figure]) for figure in FIGURES)])
    print_table(head, rows)

    say("A message costs (its acknowledgement included; 22 in a negotiation, 2 of 1,800 bytes and 20 of 150):")
    rows = []
    for kind, name in (("local", "of a broker"), ("cross", "between two brokers")):
        for sample, cost in constants.messages[kind]:
            rate = sample["events"][kind] / sample["secs"]
            handled = rate * (2 if kind == "cross" else 1) / sample["brokers"]
            pair = number(rate / 2 / sample["workers"]) if kind == "cross" else ""
            figures = FIGURES if kind == "cross" else FIGURES[:1]
            rows.append([name, number(handled), pair, *(number(cost[figure]) for figure in figures)])
    for kind, name in (("local", "of a broker"), ("cross", "between two brokers")):
        if busy := constants.raw.get(f"busy {kind}"):
            rows.append([f"{name}, full load", "", "", number(busy["broker CPU"]),
                         number(busy["Redis CPU"]) if kind == "cross" else ""])
    print_table(["a message", "handled by a broker in a second", "from a worker to another in a second", *head[1:]],
                [row + [""] * (8 - len(row)) for row in rows])

    raw = constants.raw
    say("Others:")
    print_table(["", ""], [
        ["resident bytes of a broker without nodes", number(constants.broker_bytes)],
        ["of an idle node", number(constants.node_bytes)],
        ["bytes of a lease in Redis", number(constants.lease_bytes)],
        ["bytes of a connection in Redis", number(constants.connection_bytes)],
        ["connections to Redis of a broker with one worker; with four",
         "; ".join(number(constants.connections(1, workers)) for workers in (1, 4))],
        ["renewals of leases that Redis reads at once", number(constants.renewal_batch)],
        ["CPU of a busy Redis, µs: a command for a lease alone; of 16 at once",
         "; ".join(number(raw[f"busy lease, {count}"]["Redis CPU"]) for count in (1, 16))],
        ["a publication of 400 bytes alone; of 16 at once",
         "; ".join(number(raw[f"busy publish, {count}"]["Redis CPU"]) for count in (1, 16))],
        ["a node that connects, full load: CPU of its broker; of Redis, µs",
         "; ".join(number(value) for value in raw.get("busy connects", {}).values())],
        ["a lease that is written again after Redis' restart: CPU of its broker; of Redis, µs",
         f"{number(constants.rewritten['broker CPU'])}; {number(constants.rewritten['Redis CPU'])}"],
        [f"until all {raw['restart']['leases']:,} were written again, s", number(raw["restart"]["secs"])],
        [f"CPU of Redis for a message between brokers, 600 in a second, µs: without a replica; with one",
         f"{number(constants.messages['cross'][1][1]['Redis CPU'])}; {number(constants.with_replica('cross, replica', 'cross'))}"],
        ["bytes to a replica: the renewal of a lease; a node that connects and leaves; a message between brokers",
         "; ".join(number(constants.replication[name]) for name in ("renewals", "churn", "cross"))],
    ])


def print_check(constants, samples):
    """Returns what is further off than its bound."""
    missed = []
    rows = {figure: [name] for figure, name, _, _ in CHECKED}
    for sample in samples:
        # What has really happened, since events come at random.
        load = sample["load"] | {kind: sample["events"][kind] / sample["secs"] for kind in ("local", "cross")}
        load["churn"] = sample["events"]["leaves"] / sample["secs"]
        predicted, real = constants.predict(load), measured(sample)
        for figure, name, divisor, bound in CHECKED:
            ratio = real[figure] / predicted[figure]
            within = 1 / bound <= ratio <= bound
            rows[figure].append(f"{number(predicted[figure] / divisor)} / {number(real[figure] / divisor)} = "
                                + (f"{ratio:.2f}" if within else f"**{ratio:.2f}**"))
            if not within:
                missed.append(f"{name}, {load['brokers']} brokers: {ratio:.2f} times what the model says, "
                              f"at most {bound} times as much or as little")
    if samples:
        load = samples[0]["load"]
        say(f"Model / measured: {load['nodes']:,} nodes, {load['churn']} of which leave in a second and come again, "
              f"{load['local']:,} messages in a second within brokers, {load['cross']:,} between them; heartbeats every "
              f"{load['ping_s']} s, REDIS_LOCK_TTL_MS {load['ttl_s'] * 1000:,.0f}, {load['workers']} worker(s) each:")
        print_table(["", *(f"{sample['brokers']} brokers" for sample in samples), "bound"],
                    [row + [str(bound)] for row, (_, _, _, bound) in zip(rows.values(), CHECKED)])
    return missed


def print_large_grid(constants):
    messages = LARGE["nodes"] / NEGOTIATION_S * MESSAGES
    share = 1 - 1 / LARGE["brokers"]
    loads = {}
    for name, cross in (("spread", share), ("together", KEPT_TOGETHER)):
        loads[name] = LARGE | {"churn": LARGE["nodes"] / STAY_S, "cross": messages * cross, "local": messages * (1 - cross)}
    longer = loads["spread"] | {"ttl_s": 3 * LARGE["ttl_s"]}
    columns = [("pairs anywhere", loads["spread"], 1, 1), ("REDIS_LOCK_TTL_MS 180,000", longer, 1, 1),
               ("pairs kept together", loads["together"], 1, 1),
               ("pairs anywhere, largest of 3 shards", loads["spread"], 1 / SHARDS, CHANNELS_OF_LARGEST)]
    redis = {name: redis_of(constants, load, leases, channels) for name, load, leases, channels in columns}
    say(f"A grid of {LARGE['nodes']:,} nodes on {LARGE['brokers']} brokers with {LARGE['workers']} workers: {messages:,.0f} "
          f"messages in a second; Redis:")
    rows = [[figure, *(number(redis[name][figure]) for name, *_ in columns)] for figure in redis["pairs anywhere"]]
    print_table(["", *(name for name, *_ in columns)], rows)

    load = loads["spread"]
    predicted = constants.predict(load)
    nodes = LARGE["nodes"] / LARGE["brokers"]
    arrivals = nodes * (constants.raw.get("busy connects") or constants.of["connects"])["broker CPU"] / CORE
    say("Each broker, and what happens at once:")
    print_table(["", ""], [
        ["nodes of a broker (open files: a few hundred more)", number(nodes)],
        ["CPU of a broker, cores", number(predicted["broker CPU"] / LARGE["brokers"] / CORE)],
        ["resident MB of a broker", number(predicted["memory of brokers"] / LARGE["brokers"] / 1e6)],
        ["connections to Redis, all brokers", number(constants.connections(LARGE["brokers"], LARGE["workers"]))],
        ["another Redis: CPU of it until all leases are written, s",
         number(LARGE["nodes"] * constants.rewritten["Redis CPU"] / CORE)],
        ["bytes of that, MB", number(LARGE["nodes"] * constants.rewritten["bytes in"] / 1e6)],
        ["CPU of each broker for that, ms", number(nodes * constants.rewritten["broker CPU"] / 1e3)],
        ["a broker is lost, its nodes connect to others: CPU of all of them, s", number(arrivals)],
        ["CPU of Redis for that, s", number(nodes * 2 * constants.busy_us_per_command("lease") / CORE)],
        ["it was killed, and its nodes retry every 3 s until their leases expire: CPU of all others, cores",
         number(nodes / RETRY_S * constants.attempt["broker CPU"] / CORE)],
        ["commands in a second for that", number(nodes / RETRY_S * constants.attempt["commands"])],
    ])


def redis_of(constants, load, share_of_leases, share_of_channels):
    """What a busy Redis, or one shard, has to do in a second. µs become shares of a core, bytes MB."""
    events = events_of(load)
    per_message = constants.message("cross", "commands", load)
    publications = share_of_channels * (load["cross"] * per_message + load["brokers"] * (1 + load["workers"]))
    renewals = events["renewals"] * share_of_leases
    claims = load["churn"] * 3 * share_of_leases
    cpu = (renewals * constants.busy_us_per_command("lease", constants.renewal_batch)
           + claims * constants.busy_us_per_command("lease") + publications * constants.busy_us_per_command("publish"))

    def bytes_of(figure):
        total = share_of_channels * load["cross"] * constants.message("cross", figure, load)
        return total + share_of_leases * sum(
            events[event] * constants.of[event][figure] for event in ("renewals", "connects", "leaves"))

    replication = (share_of_leases * (renewals / share_of_leases * constants.replication["renewals"]
                                      + load["churn"] * constants.replication["churn"])
                   + share_of_channels * load["cross"] * constants.replication["cross"])
    return {
        "messages between brokers in a second, of the whole grid": load["cross"],
        "renewals in a second": renewals,
        "commands for nodes that come and go": claims,
        "publications and lookups": publications,
        "CPU of Redis, cores": cpu / CORE,
        "of which for renewals": renewals * constants.busy_us_per_command("lease", constants.renewal_batch) / CORE,
        "MB to Redis in a second": bytes_of("bytes in") / 1e6,
        "MB from Redis in a second": bytes_of("bytes out") / 1e6,
        "MB to each replica in a second": replication / 1e6,
        "MB of leases": load["nodes"] * share_of_leases * constants.lease_bytes / 1e6,
        "nodes at which Redis needs 0.7 cores, thousands": load["nodes"] * 0.7 * CORE / cpu / 1e3,
    }
