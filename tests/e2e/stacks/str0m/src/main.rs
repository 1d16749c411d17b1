//! str0m, behind the lines that ../README.md describes. It knows no STUN or TURN servers: candidates are its program's business, and
//! this one has the address of its socket, or none if it may only use relays.
use std::collections::{HashMap, VecDeque};
use std::error::Error;
use std::io::{BufRead, ErrorKind, Write};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::{Value, json};
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::ChannelId;
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const VERSION: &str = "0.25.0";
/// How long a command may wait for the socket.
const PATIENCE: Duration = Duration::from_millis(5);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Configuration {
    ice_transport_policy: String,
}

#[derive(Deserialize)]
struct SaidCandidate {
    sdp: String,
}

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
enum Command {
    Open {
        role: String,
        configuration: Configuration,
    },
    Description {
        r#type: String,
        sdp: String,
    },
    Candidate {
        candidate: SaidCandidate,
    },
    Send {
        data: String,
    },
    Path,
    Close,
}

#[derive(Deserialize)]
struct Line {
    peer: String,
    #[serde(flatten)]
    command: Command,
}

fn say(event: Value) {
    let mut output = std::io::stdout().lock();
    let _ = writeln!(output, "{event}").and_then(|()| output.flush());
}

/// The first address of this machine that others can reach.
fn own_address() -> Outcome<IpAddr> {
    let found = if_addrs::get_if_addrs()?
        .into_iter()
        .map(|interface| interface.ip());
    let mut usable = found.filter(|address| address.is_ipv4() && !address.is_loopback());
    Ok(usable.next().unwrap_or(IpAddr::from([127, 0, 0, 1])))
}

struct Peer {
    name: String,
    rtc: Rtc,
    socket: UdpSocket,
    is_hidden: bool,
    pending: Option<SdpPendingOffer>,
    channel: Option<ChannelId>,
    unsent: VecDeque<Vec<u8>>,
    remote: HashMap<SocketAddr, String>,
    /// Where the last packet went: it has no statistics of candidates.
    last: Option<SocketAddr>,
}

impl Peer {
    fn open(name: String, role: &str, configuration: &Configuration) -> Outcome<Peer> {
        let socket = UdpSocket::bind((own_address()?, 0))?;
        let mut peer = Peer {
            name,
            rtc: Rtc::builder().build(Instant::now()),
            socket,
            is_hidden: configuration.ice_transport_policy == "relay",
            pending: None,
            channel: None,
            unsent: VecDeque::new(),
            remote: HashMap::new(),
            last: None,
        };
        if role == "initiator" {
            let mut changes = peer.rtc.sdp_api();
            changes.add_channel("node-messages".into());
            let (offer, pending) = changes.apply().ok_or("nothing to offer")?;
            peer.pending = Some(pending);
            peer.describe("offer", offer.to_sdp_string())?;
        }
        Ok(peer)
    }

    fn say(&self, mut event: Value) {
        event["peer"] = self.name.as_str().into();
        say(event);
    }

    fn describe(&mut self, kind: &str, sdp: String) -> Outcome {
        let mid = sdp
            .lines()
            .find_map(|line| line.strip_prefix("a=mid:"))
            .map(str::to_owned);
        self.say(json!({"event": "description", "type": kind, "sdp": sdp}));
        if self.is_hidden {
            return Ok(());
        }
        let candidate = Candidate::host(self.socket.local_addr()?, "udp")?;
        let said = json!({"sdp": candidate.to_sdp_string(), "sdpMid": mid, "sdpMLineIndex": 0});
        self.rtc.add_local_candidate(candidate);
        self.say(json!({"event": "candidate", "candidate": said}));
        Ok(())
    }

    fn carry_out(&mut self, command: Command) -> Outcome {
        match command {
            Command::Open { .. } => return Err("is open already".into()),
            Command::Description { r#type, sdp } if r#type == "offer" => {
                let answer = self
                    .rtc
                    .sdp_api()
                    .accept_offer(SdpOffer::from_sdp_string(&sdp)?)?;
                self.describe("answer", answer.to_sdp_string())?;
            }
            Command::Description { sdp, .. } => {
                let pending = self.pending.take().ok_or("an answer to no offer")?;
                self.rtc
                    .sdp_api()
                    .accept_answer(pending, SdpAnswer::from_sdp_string(&sdp)?)?;
            }
            Command::Candidate { candidate } => {
                let candidate = Candidate::from_sdp_string(&candidate.sdp)?;
                self.remote
                    .insert(candidate.addr(), candidate.kind().to_string());
                self.rtc.add_remote_candidate(candidate);
            }
            Command::Send { data } => self.unsent.push_back(BASE64.decode(data)?),
            Command::Path => {
                let kind = |address| self.remote.get(&address).map_or("prflx", String::as_str);
                self.say(json!({"event": "path", "local": "host", "remote": self.last.map(kind)}));
            }
            Command::Close => self.rtc.disconnect(),
        }
        Ok(())
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::ChannelOpen(id, _) => {
                self.channel = Some(id);
                self.say(json!({"event": "open"}));
            }
            Event::ChannelData(message) => {
                self.say(json!({"event": "message", "data": BASE64.encode(&message.data)}));
            }
            _ => {}
        }
    }

    /// Sends what there is to send, and returns when it wants to be asked again.
    fn transmit(&mut self) -> Outcome<Instant> {
        while let (Some(id), Some(data)) = (self.channel, self.unsent.front()) {
            let mut channel = self.rtc.channel(id).ok_or("no channel")?;
            if !channel.write(true, data)? {
                break;
            }
            self.unsent.pop_front();
        }
        loop {
            match self.rtc.poll_output()? {
                Output::Timeout(when) => return Ok(when),
                Output::Transmit(packet) => {
                    self.last = Some(packet.destination);
                    self.socket.send_to(&packet.contents, packet.destination)?;
                }
                Output::Event(event) => self.on_event(event),
            }
        }
    }

    fn receive(&mut self, until: Instant) -> Outcome {
        let wait = until.saturating_duration_since(Instant::now());
        self.socket
            .set_read_timeout(Some(wait.clamp(Duration::from_millis(1), PATIENCE)))?;
        let mut buffer = [0; 2000];
        match self.socket.recv_from(&mut buffer) {
            Ok((size, source)) => {
                if let Ok(contents) = buffer[..size].try_into() {
                    let destination = self.socket.local_addr()?;
                    let packet = Receive {
                        proto: Protocol::Udp,
                        source,
                        destination,
                        contents,
                    };
                    self.rtc
                        .handle_input(Input::Receive(Instant::now(), packet))?;
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(self.rtc.handle_input(Input::Timeout(Instant::now()))?)
    }

    fn step(&mut self) -> Outcome {
        let until = self.transmit()?;
        self.receive(until)
    }
}

/// A thread for each peer: its commands in order, its socket in between.
fn serve(name: String, commands: Receiver<Command>) {
    let fault = |error: Box<dyn Error>| {
        say(json!({"peer": name, "event": "fault", "words": error.to_string()}))
    };
    let Ok(Command::Open {
        role,
        configuration,
    }) = commands.recv()
    else {
        return;
    };
    let mut peer = match Peer::open(name.clone(), &role, &configuration) {
        Ok(peer) => peer,
        Err(error) => return fault(error),
    };
    while peer.rtc.is_alive() {
        loop {
            match commands.try_recv() {
                Ok(command) => {
                    if let Err(error) = peer.carry_out(command) {
                        fault(error);
                    }
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return,
            }
        }
        if let Err(error) = peer.step() {
            return fault(error);
        }
    }
}

fn main() -> Outcome {
    str0m::crypto::from_feature_flags().install_process_default();
    say(json!({"event": "ready", "name": format!("str0m {VERSION}")}));
    let mut peers = HashMap::new();
    for text in std::io::stdin().lock().lines() {
        let Line { peer, command } = serde_json::from_str(&text?)?;
        let commands = peers.entry(peer.clone()).or_insert_with(|| {
            let (sender, receiver) = channel();
            thread::spawn(move || serve(peer, receiver));
            sender
        });
        // Its thread has ended with its connection: nothing is wanted of it any more.
        let _ = commands.send(command);
    }
    std::process::exit(0)
}
