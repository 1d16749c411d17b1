"""python-socketio as applications use it, driven by clients.mjs: `client.py blocking` or `client.py asyncio`.

A line of JSON in is an order, a line out is what the client reported. The end of the input is the end of the program.
"""
import asyncio
import json
import os
import sys
import threading
from urllib.parse import urlencode

import socketio

REPORTED = {"AUTHENTICATED": "authenticated", "SOCKET_MSG_EXCHANGE": "received"}
output = threading.Lock()


def report(node, what, text=""):
    with output:
        print(json.dumps({"node": node, "is": what, "text": text}), flush=True)


def reason(data):
    """A refusal comes as a dictionary, all other trouble as text."""
    return data.get("message", "") if isinstance(data, dict) else str(data)


def url_of(order):
    # It takes the URL as it is.
    return f"{order['url']}?{urlencode(order['query'])}"


def add_reports(client, node):
    """Handlers may be plain functions with both kinds of client."""
    client.on("connect", lambda: report(node, "connected"))
    client.on("connect_error", lambda data: report(node, "failed", reason(data)))
    client.on("disconnect", lambda why: report(node, "disconnected", why))
    for event, what in REPORTED.items():
        client.on(event, lambda text, what=what: report(node, what, text))


def blocking():
    nodes = {}

    def connect(node, order):
        try:
            nodes[node].connect(url_of(order), transports=["websocket"], retry=True)
        except socketio.exceptions.ConnectionError as error:
            report(node, "failed", str(error))

    for line in sys.stdin:
        order = json.loads(line)
        node = order["node"]
        if order["do"] == "connect":
            nodes[node] = socketio.Client(handle_sigint=False)
            add_reports(nodes[node], node)
            # It does not return before the connection stands.
            threading.Thread(target=connect, args=(node, order), daemon=True).start()
        else:
            nodes[node].emit(order["type"], order["text"], callback=lambda ack, node=node: report(node, "ack", ack))


async def with_asyncio():
    nodes = {}

    async def connect(node, order):
        try:
            await nodes[node].connect(url_of(order), transports=["websocket"], retry=True)
        except socketio.exceptions.ConnectionError as error:
            report(node, "failed", str(error))

    tasks = set()
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order = json.loads(line)
        node = order["node"]
        if order["do"] == "connect":
            nodes[node] = socketio.AsyncClient(handle_sigint=False)
            add_reports(nodes[node], node)
            task = loop.create_task(connect(node, order))
        else:
            task = loop.create_task(
                nodes[node].emit(order["type"], order["text"], callback=lambda ack, node=node: report(node, "ack", ack))
            )
        tasks.add(task)
        task.add_done_callback(tasks.discard)


if sys.argv[1] == "blocking":
    blocking()
else:
    asyncio.run(with_asyncio())
# Clients have threads that would go on.
os._exit(0)
