"""aiortc, behind the lines that ../README.md describes."""
import asyncio
import base64
import json
import sys

import aiortc
from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCIceServer,
    RTCIceTransportPolicy,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.sdp import candidate_from_sdp


def say(**event):
    print(json.dumps(event), flush=True)


def to_configuration(given):
    """It raises at members that it does not know."""
    servers = [
        RTCIceServer(urls=entry["urls"], username=entry.get("username"), credential=entry.get("credential"))
        for entry in given["iceServers"]
    ]
    return RTCConfiguration(
        iceServers=servers,
        iceTransportPolicy=RTCIceTransportPolicy(given["iceTransportPolicy"]),
        bundlePolicy=RTCBundlePolicy(given["bundlePolicy"]),
    )


class Peer:
    def __init__(self, name):
        self.name = name
        self.lines = asyncio.Queue()
        self.task = asyncio.create_task(self.work())

    def say(self, event, **more):
        say(peer=self.name, event=event, **more)

    async def work(self):
        """The lines for one peer are carried out one after the other."""
        while True:
            line = await self.lines.get()
            try:
                await getattr(self, line["do"])(line)
            except Exception as error:
                self.say("fault", words=f"{line['do']}: {error!r}")

    async def open(self, line):
        self.connection = RTCPeerConnection(to_configuration(line["configuration"]))
        self.connection.on("datachannel", self.use)
        self.connection.on("connectionstatechange", self.on_state)
        if line["role"] == "initiator":
            self.use(self.connection.createDataChannel("node-messages"))
            await self.describe(await self.connection.createOffer())

    def on_state(self):
        if self.connection.connectionState == "failed":
            self.say("fault", words="the connection failed")

    def use(self, channel):
        self.channel = channel
        channel.on("message", lambda data: self.say("message", data=base64.b64encode(data).decode()))
        if channel.readyState == "open":
            self.say("open")
        else:
            channel.on("open", lambda: self.say("open"))

    async def describe(self, description):
        await self.connection.setLocalDescription(description)
        local = self.connection.localDescription
        self.say("description", type=local.type, sdp=local.sdp)

    async def description(self, line):
        await self.connection.setRemoteDescription(RTCSessionDescription(sdp=line["sdp"], type=line["type"]))
        if line["type"] == "offer":
            await self.describe(await self.connection.createAnswer())

    async def candidate(self, line):
        said = line["candidate"]
        candidate = candidate_from_sdp(said["sdp"].removeprefix("candidate:"))
        candidate.sdpMid = said.get("sdpMid")
        candidate.sdpMLineIndex = said.get("sdpMLineIndex")
        await self.connection.addIceCandidate(candidate)

    async def send(self, line):
        self.channel.send(base64.b64decode(line["data"]))

    async def path(self, _):
        pair = self.connection.sctp.transport.transport._connection._nominated.get(1)
        self.say("path", **({"local": pair.local_candidate.type, "remote": pair.remote_candidate.type} if pair else {}))

    async def close(self, _):
        await self.connection.close()


async def main():
    say(event="ready", name=f"aiortc {aiortc.__version__}")
    peers = {}
    reader = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while text := await reader.readline():
        line = json.loads(text)
        if line["peer"] not in peers:
            peers[line["peer"]] = Peer(line["peer"])
        peers[line["peer"]].lines.put_nowait(line)


asyncio.run(main())
