//! webrtc-rs, behind the lines that ../README.md describes.
use std::collections::HashMap;
use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::BytesMut;
use rtc::peer_connection::transport::RTCDtlsRole;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::{Mutex, mpsc};
use webrtc::data_channel::{DataChannel, DataChannelEvent};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCBundlePolicy,
    RTCConfigurationBuilder, RTCIceCandidateInit, RTCIceServer, RTCIceTransportPolicy,
    RTCPeerConnectionIceEvent, RTCPeerConnectionState, RTCRtcpMuxPolicy, RTCSessionDescription,
    SettingEngineBuilder,
};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

const VERSION: &str = "0.21.1";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Server {
    urls: Vec<String>,
    #[serde(default)]
    username: String,
    #[serde(default)]
    credential: String,
}

/// The RTC configuration as the broker sends it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Configuration {
    ice_servers: Vec<Server>,
    ice_transport_policy: String,
    bundle_policy: String,
    rtcp_mux_policy: String,
    #[serde(default)]
    ice_candidate_pool_size: u8,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    sdp: String,
    sdp_mid: Option<String>,
    #[serde(rename = "sdpMLineIndex")]
    sdp_mline_index: Option<u16>,
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
        candidate: Candidate,
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
    println!("{event}");
}

type Channel = Arc<Mutex<Option<Arc<dyn DataChannel>>>>;

#[derive(Clone)]
struct Handler {
    peer: String,
    channel: Channel,
}

impl Handler {
    /// Says what happens on the channel, until it is closed.
    async fn watch(&self, channel: Arc<dyn DataChannel>) {
        *self.channel.lock().await = Some(channel.clone());
        let peer = self.peer.clone();
        tokio::spawn(async move {
            while let Some(event) = channel.poll().await {
                match event {
                    DataChannelEvent::OnOpen => say(json!({"peer": peer, "event": "open"})),
                    DataChannelEvent::OnMessage(message) => {
                        let data = BASE64.encode(&message.data);
                        say(json!({"peer": peer, "event": "message", "data": data}));
                    }
                    DataChannelEvent::OnClose => break,
                    _ => {}
                }
            }
        });
    }
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        let Ok(found) = event.candidate.to_json() else {
            return;
        };
        let mut candidate = json!({"sdp": found.candidate});
        // It names no section of the description.
        if let Some(mid) = found.sdp_mid.filter(|mid| !mid.is_empty()) {
            candidate["sdpMid"] = mid.into();
        }
        if let Some(index) = found.sdp_mline_index {
            candidate["sdpMLineIndex"] = index.into();
        }
        say(json!({"peer": self.peer, "event": "candidate", "candidate": candidate}));
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        if state == RTCPeerConnectionState::Failed {
            say(json!({"peer": self.peer, "event": "fault", "words": "the connection failed"}));
        }
    }

    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        self.watch(channel).await;
    }
}

/// It wants to know where to listen: the first address of this machine that others can reach.
fn own_address() -> Outcome<IpAddr> {
    let found = if_addrs::get_if_addrs()?
        .into_iter()
        .map(|interface| interface.ip());
    let mut usable = found.filter(|address| address.is_ipv4() && !address.is_loopback());
    Ok(usable.next().unwrap_or(IpAddr::from([127, 0, 0, 1])))
}

struct Peer {
    name: String,
    connection: Box<dyn PeerConnection>,
    channel: Channel,
}

impl Peer {
    async fn open(name: String, role: &str, given: Configuration) -> Outcome<Peer> {
        let to_server = |Server {
                             urls,
                             username,
                             credential,
                         }| RTCIceServer {
            urls,
            username,
            credential,
        };
        let configuration = RTCConfigurationBuilder::new()
            .with_ice_servers(given.ice_servers.into_iter().map(to_server).collect())
            .with_ice_transport_policy(RTCIceTransportPolicy::from(
                given.ice_transport_policy.as_str(),
            ))
            .with_bundle_policy(RTCBundlePolicy::from(given.bundle_policy.as_str()))
            .with_rtcp_mux_policy(RTCRtcpMuxPolicy::from(given.rtcp_mux_policy.as_str()))
            .with_ice_candidate_pool_size(given.ice_candidate_pool_size)
            .build();
        let channel = Channel::default();
        let handler = Handler {
            peer: name.clone(),
            channel: channel.clone(),
        };
        let connection = PeerConnectionBuilder::new()
            .with_configuration(configuration)
            // As the DTLS client it opens SCTP, and has no answer to another node that does so too, as werift does.
            .with_setting_engine(
                SettingEngineBuilder::new()
                    .with_answering_dtls_role(RTCDtlsRole::Server)
                    .build(),
            )
            .with_handler(Arc::new(handler.clone()))
            .with_udp_addrs(vec![format!("{}:0", own_address()?)])
            .build()
            .await?;
        let peer = Peer {
            name,
            connection: Box::new(connection),
            channel,
        };
        if role == "initiator" {
            handler
                .watch(
                    peer.connection
                        .create_data_channel("node-messages", None)
                        .await?,
                )
                .await;
            peer.describe(peer.connection.create_offer(None).await?)
                .await?;
        }
        Ok(peer)
    }

    async fn describe(&self, description: RTCSessionDescription) -> Outcome {
        let (kind, sdp) = (description.sdp_type.to_string(), description.sdp.clone());
        self.connection.set_local_description(description).await?;
        say(json!({"peer": self.name, "event": "description", "type": kind, "sdp": sdp}));
        Ok(())
    }

    async fn carry_out(&self, command: Command) -> Outcome {
        match command {
            Command::Open { .. } => Err("is open already".into()),
            Command::Description { r#type, sdp } if r#type == "offer" => {
                self.connection
                    .set_remote_description(RTCSessionDescription::offer(sdp)?)
                    .await?;
                self.describe(self.connection.create_answer(None).await?)
                    .await
            }
            Command::Description { sdp, .. } => Ok(self
                .connection
                .set_remote_description(RTCSessionDescription::answer(sdp)?)
                .await?),
            Command::Candidate { candidate } => {
                let init = RTCIceCandidateInit {
                    candidate: candidate.sdp,
                    sdp_mid: candidate.sdp_mid,
                    sdp_mline_index: candidate.sdp_mline_index,
                    ..Default::default()
                };
                Ok(self.connection.add_ice_candidate(init).await?)
            }
            Command::Send { data } => {
                let channel = self.channel.lock().await.clone().ok_or("no channel")?;
                Ok(channel
                    .send(BytesMut::from(BASE64.decode(data)?.as_slice()))
                    .await?)
            }
            Command::Path => {
                let transport = self
                    .connection
                    .sctp()
                    .await
                    .ok_or("no SCTP")?
                    .transport()
                    .ice_transport();
                let mut event = json!({"peer": self.name, "event": "path"});
                if let Some(pair) = transport.get_selected_candidate_pair().await? {
                    event["local"] = pair.local().typ.to_string().into();
                    event["remote"] = pair.remote().typ.to_string().into();
                }
                say(event);
                Ok(())
            }
            Command::Close => Ok(self.connection.close().await?),
        }
    }
}

/// The lines for one peer are carried out one after the other.
async fn serve(name: String, mut commands: mpsc::UnboundedReceiver<Command>) {
    let mut peer = None;
    while let Some(command) = commands.recv().await {
        let outcome = match (command, &peer) {
            (
                Command::Open {
                    role,
                    configuration,
                },
                None,
            ) => match Peer::open(name.clone(), &role, configuration).await {
                Ok(opened) => {
                    peer = Some(opened);
                    Ok(())
                }
                Err(error) => Err(error),
            },
            (command, Some(peer)) => peer.carry_out(command).await,
            (_, None) => Ok(()),
        };
        if let Err(error) = outcome {
            say(json!({"peer": name, "event": "fault", "words": error.to_string()}));
        }
    }
}

#[tokio::main]
async fn main() -> Outcome {
    say(json!({"event": "ready", "name": format!("webrtc-rs {VERSION}")}));
    let mut peers = HashMap::new();
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(text) = lines.next_line().await? {
        let Line { peer, command } = serde_json::from_str(&text)?;
        let commands = peers.entry(peer.clone()).or_insert_with(|| {
            let (sender, receiver) = mpsc::unbounded_channel();
            tokio::spawn(serve(peer, receiver));
            sender
        });
        commands.send(command)?;
    }
    std::process::exit(0)
}
