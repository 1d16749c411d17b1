#!/usr/bin/env bash
# Two WebRTC stacks whose DTLS stands, and no data channel ever opens.
#
# Packages: str0m 0.25.0 (crates.io), werift 0.24.4 (npm). Node.js 18 or later, Rust 1.89 or later; a minute or two to build.
# Behaviour: RFC 8841, section 9.3, has both ends open the SCTP association over an established DTLS connection. werift does so only at
# the ICE-controlling end, which is the one that offered, and ignores what arrives unless it is the other. str0m does so only as the DTLS client.
# When str0m offers, werift answers `a=setup:active`: it is the DTLS client and not controlling, so each end waits for the other. The roles
# of two protocols below decide what looks like a matter of neither, and only for one direction of a pair.
# Output seen:
#   str0m offers, werift answers active: DTLS connected, no channel within 10 s
#   werift offers, str0m answers: the channel opened
#   str0m offers, werift answers passive: the channel opened
# Ends with 0 while it is so, with 1 when one of the three has changed.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir -p src
cat >Cargo.toml <<'END'
[package]
name = "peer"
version = "0.0.0"
edition = "2024"
[dependencies]
str0m = { version = "=0.25.0", default-features = false, features = ["aws-lc-rs"] }
END
cat >src/main.rs <<'END'
// Offers or answers over standard input and output, one description each, in hexadecimal digits. Says when the channel is open.
use std::net::UdpSocket;
use std::time::{Duration, Instant};
use str0m::change::{SdpAnswer, SdpOffer};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc};

fn read() -> String {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    let digits = line.trim().as_bytes().chunks(2);
    let bytes = digits.map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap());
    String::from_utf8(bytes.collect()).unwrap()
}

fn say(sdp: String) {
    println!("{}", sdp.bytes().map(|byte| format!("{byte:02x}")).collect::<String>());
}

fn main() {
    str0m::crypto::from_feature_flags().install_process_default();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let own = socket.local_addr().unwrap();
    let mut rtc = Rtc::builder().build(Instant::now());
    rtc.add_local_candidate(Candidate::host(own, "udp").unwrap());
    if std::env::args().nth(1).as_deref() == Some("offer") {
        let mut changes = rtc.sdp_api();
        changes.add_channel("channel".into());
        let (offer, pending) = changes.apply().unwrap();
        say(offer.to_sdp_string());
        let answer = SdpAnswer::from_sdp_string(&read()).unwrap();
        rtc.sdp_api().accept_answer(pending, answer).unwrap();
    } else {
        let answer = rtc.sdp_api().accept_offer(SdpOffer::from_sdp_string(&read()).unwrap()).unwrap();
        say(answer.to_sdp_string());
    }
    let mut buffer = [0; 2000];
    loop {
        let until = loop {
            match rtc.poll_output().unwrap() {
                Output::Timeout(until) => break until,
                Output::Transmit(packet) => {
                    socket.send_to(&packet.contents, packet.destination).unwrap();
                }
                Output::Event(Event::ChannelOpen(..)) => println!("open"),
                Output::Event(_) => {}
            }
        };
        let wait = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        socket.set_read_timeout(Some(wait)).unwrap();
        if let Ok((size, source)) = socket.recv_from(&mut buffer) {
            if let Ok(contents) = buffer[..size].try_into() {
                let packet = Receive { proto: Protocol::Udp, source, destination: own, contents };
                rtc.handle_input(Input::Receive(Instant::now(), packet)).unwrap();
            }
        }
        rtc.handle_input(Input::Timeout(Instant::now())).unwrap();
    }
}
END
cat >package.json <<'END'
{ "type": "module", "dependencies": { "werift": "0.24.4" } }
END
cat >main.mjs <<'END'
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { RTCPeerConnection } from 'werift';

async function attempt(offering, setup) {
  const child = spawn('target/release/peer', [offering === 'str0m' ? 'offer' : 'answer'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async () => Buffer.from((await lines.next()).value, 'hex').toString();
  const write = (sdp) => child.stdin.write(`${Buffer.from(sdp).toString('hex')}\n`);
  const connection = new RTCPeerConnection({ iceServers: [], iceAdditionalHostAddresses: ['127.0.0.1'] });
  const gathered = () =>
    new Promise((resolve) => {
      const look = () => connection.iceGatheringState === 'complete' && resolve();
      connection.iceGatheringStateChange.subscribe(look);
      look();
    });
  if (offering === 'str0m') {
    await connection.setRemoteDescription({ type: 'offer', sdp: await read() });
    const { sdp } = await connection.createAnswer();
    await connection.setLocalDescription({ type: 'answer', sdp: sdp.replace('a=setup:active', `a=setup:${setup}`) });
    await gathered();
    write(connection.localDescription.sdp);
  } else {
    connection.createDataChannel('channel');
    await connection.setLocalDescription(await connection.createOffer());
    await gathered();
    write(connection.localDescription.sdp);
    await connection.setRemoteDescription({ type: 'answer', sdp: await read() });
  }
  const opened = await Promise.race([
    lines.next().then(({ value }) => value === 'open'),
    new Promise((resolve) => setTimeout(() => resolve(false), 10_000)),
  ]);
  const dtls = connection.dtlsTransports[0].state;
  child.kill();
  await connection.close();
  return opened ? 'the channel opened' : `DTLS ${dtls}, no channel within 10 s`;
}

let code = 0;
for (const [what, offering, setup, expected] of [
  ['str0m offers, werift answers active', 'str0m', 'active', 'DTLS connected, no channel within 10 s'],
  ['werift offers, str0m answers', 'werift', '', 'the channel opened'],
  ['str0m offers, werift answers passive', 'str0m', 'passive', 'the channel opened'],
]) {
  const seen = await attempt(offering, setup);
  console.log(`${what}: ${seen}${seen === expected ? '' : ` (it was: ${expected})`}`);
  if (seen !== expected) code = 1;
}
process.exit(code);
END
cargo build --quiet --release
npm install --no-audit --no-fund --silent
node main.mjs
