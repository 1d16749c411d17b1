#!/usr/bin/env bash
# Two STUN servers, of which one stack asks the first and nobody else.
#
# Package: aiortc 1.16.0 (PyPI; with aioice 0.13.0). Python 3.9 or later.
# Behaviour: an RTC configuration lists ICE servers so that others serve where one is away: a browser asks all of them at the same time.
# aiortc, whose interface is the browsers' one, takes the first STUN URL and the first TURN URL of the whole list and drops the rest
# without a word. If that one does not answer, gathering ends without a server-reflexive candidate, though the second server would have told it.
# Output seen:
#   servers [dead, living]: the living one was asked 0 times, no srflx candidate
#   servers [living, dead]: the living one was asked, srflx candidate 203.0.113.7
# Ends with 0 while it is so, with 1 when one of them has changed.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check aiortc==1.16.0 aioice==0.13.0
cat >gather.py <<'END'
import asyncio
import struct
import sys

from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection

COOKIE = 0x2112A442


class Stun(asyncio.DatagramProtocol):
    """Says to whoever asks that he is 203.0.113.7, or says nothing."""

    def __init__(self, lives):
        self.lives, self.asked = lives, 0

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.asked += 1
        if not self.lives:
            return
        mapped = struct.pack("!BBHI", 0, 1, address[1] ^ (COOKIE >> 16), 0xCB007107 ^ COOKIE)
        attribute = struct.pack("!HH", 0x0020, len(mapped)) + mapped
        self.transport.sendto(struct.pack("!HHI", 0x0101, len(attribute), COOKIE) + data[8:20] + attribute, address)


async def gather(lives):
    loop = asyncio.get_running_loop()
    servers = [await loop.create_datagram_endpoint(lambda each=each: Stun(each), local_addr=("127.0.0.1", 0)) for each in lives]
    urls = ["stun:127.0.0.1:%d" % transport.get_extra_info("sockname")[1] for transport, _ in servers]
    peer = RTCPeerConnection(RTCConfiguration([RTCIceServer(url) for url in urls]))
    peer.createDataChannel("x")
    await peer.setLocalDescription(await peer.createOffer())
    lines = [line for line in peer.localDescription.sdp.splitlines() if "typ srflx" in line]
    await peer.close()
    living = servers[lives.index(True)][1]
    said = "srflx candidate " + lines[0].split()[4] if lines else "no srflx candidate"
    print("servers [%s]: the living one was asked %d times, %s" % (", ".join("living" if each else "dead" for each in lives), living.asked, said))
    for transport, _ in servers:
        transport.close()
    return living.asked, bool(lines)


async def main():
    behind = await gather([False, True])
    first = await gather([True, False])
    return behind == (0, False) and first[0] > 0 and first[1]


sys.exit(0 if asyncio.run(main()) else 1)
END
venv/bin/python gather.py
