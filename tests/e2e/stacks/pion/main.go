// pion, behind the lines that ../README.md describes.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/pion/webrtc/v4"
)

// The RTC configuration as the broker sends it.
type configuration struct {
	IceServers []struct {
		URLs       []string `json:"urls"`
		Username   string   `json:"username"`
		Credential string   `json:"credential"`
	} `json:"iceServers"`
	IceTransportPolicy   webrtc.ICETransportPolicy `json:"iceTransportPolicy"`
	BundlePolicy         webrtc.BundlePolicy       `json:"bundlePolicy"`
	RtcpMuxPolicy        webrtc.RTCPMuxPolicy      `json:"rtcpMuxPolicy"`
	IceCandidatePoolSize uint8                     `json:"iceCandidatePoolSize"`
}

type candidate struct {
	Sdp           string  `json:"sdp"`
	SdpMid        *string `json:"sdpMid,omitempty"`
	SdpMLineIndex *uint16 `json:"sdpMLineIndex,omitempty"`
}

type command struct {
	Peer          string        `json:"peer"`
	Do            string        `json:"do"`
	Role          string        `json:"role"`
	Configuration configuration `json:"configuration"`
	Type          string        `json:"type"`
	Sdp           string        `json:"sdp"`
	Candidate     candidate     `json:"candidate"`
	Data          []byte        `json:"data"`
}

type event struct {
	Peer      string     `json:"peer,omitempty"`
	Event     string     `json:"event"`
	Name      string     `json:"name,omitempty"`
	Type      string     `json:"type,omitempty"`
	Sdp       string     `json:"sdp,omitempty"`
	Candidate *candidate `json:"candidate,omitempty"`
	Data      []byte     `json:"data,omitempty"`
	Local     string     `json:"local,omitempty"`
	Remote    string     `json:"remote,omitempty"`
	Words     string     `json:"words,omitempty"`
}

var output sync.Mutex

func say(said event) {
	text, err := json.Marshal(said)
	if err != nil {
		panic(err)
	}
	output.Lock()
	defer output.Unlock()
	fmt.Println(string(text))
}

type peer struct {
	name       string
	connection *webrtc.PeerConnection
	channel    *webrtc.DataChannel
}

func (p *peer) open(line command) error {
	given := webrtc.Configuration{
		ICETransportPolicy:   line.Configuration.IceTransportPolicy,
		BundlePolicy:         line.Configuration.BundlePolicy,
		RTCPMuxPolicy:        line.Configuration.RtcpMuxPolicy,
		ICECandidatePoolSize: line.Configuration.IceCandidatePoolSize,
	}
	for _, server := range line.Configuration.IceServers {
		entry := webrtc.ICEServer{URLs: server.URLs}
		if server.Username != "" {
			entry.Username = server.Username
			entry.Credential = server.Credential
		}
		given.ICEServers = append(given.ICEServers, entry)
	}
	connection, err := webrtc.NewPeerConnection(given)
	if err != nil {
		return err
	}
	p.connection = connection
	connection.OnICECandidate(func(found *webrtc.ICECandidate) {
		if found == nil {
			return
		}
		init := found.ToJSON()
		said := candidate{Sdp: init.Candidate, SdpMLineIndex: init.SDPMLineIndex}
		// An empty one would name no section.
		if init.SDPMid != nil && *init.SDPMid != "" {
			said.SdpMid = init.SDPMid
		}
		say(event{Peer: p.name, Event: "candidate", Candidate: &said})
	})
	connection.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateFailed {
			say(event{Peer: p.name, Event: "fault", Words: "the connection failed"})
		}
	})
	connection.OnDataChannel(p.use)
	if line.Role != "initiator" {
		return nil
	}
	channel, err := connection.CreateDataChannel("node-messages", nil)
	if err != nil {
		return err
	}
	p.use(channel)
	offer, err := connection.CreateOffer(nil)
	if err != nil {
		return err
	}
	return p.describe(offer)
}

func (p *peer) use(channel *webrtc.DataChannel) {
	p.channel = channel
	channel.OnOpen(func() { say(event{Peer: p.name, Event: "open"}) })
	channel.OnMessage(func(message webrtc.DataChannelMessage) {
		say(event{Peer: p.name, Event: "message", Data: message.Data})
	})
}

func (p *peer) describe(description webrtc.SessionDescription) error {
	if err := p.connection.SetLocalDescription(description); err != nil {
		return err
	}
	say(event{Peer: p.name, Event: "description", Type: description.Type.String(), Sdp: description.SDP})
	return nil
}

func (p *peer) description(line command) error {
	description := webrtc.SessionDescription{Type: webrtc.NewSDPType(line.Type), SDP: line.Sdp}
	if err := p.connection.SetRemoteDescription(description); err != nil {
		return err
	}
	if description.Type != webrtc.SDPTypeOffer {
		return nil
	}
	answer, err := p.connection.CreateAnswer(nil)
	if err != nil {
		return err
	}
	return p.describe(answer)
}

func (p *peer) path() error {
	pair, err := p.connection.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	if err != nil {
		return err
	}
	said := event{Peer: p.name, Event: "path"}
	if pair != nil {
		said.Local, said.Remote = pair.Local.Typ.String(), pair.Remote.Typ.String()
	}
	say(said)
	return nil
}

func (p *peer) carryOut(line command) error {
	if line.Do == "open" {
		return p.open(line)
	}
	if p.connection == nil {
		return nil
	}
	switch line.Do {
	case "description":
		return p.description(line)
	case "candidate":
		return p.connection.AddICECandidate(webrtc.ICECandidateInit{
			Candidate:     line.Candidate.Sdp,
			SDPMid:        line.Candidate.SdpMid,
			SDPMLineIndex: line.Candidate.SdpMLineIndex,
		})
	case "send":
		return p.channel.Send(line.Data)
	case "path":
		return p.path()
	case "close":
		return p.connection.Close()
	}
	return fmt.Errorf("unknown: %s", line.Do)
}

func version() string {
	build, _ := debug.ReadBuildInfo()
	for _, module := range build.Deps {
		if strings.HasPrefix(module.Path, "github.com/pion/webrtc/") {
			return module.Version
		}
	}
	return "?"
}

func main() {
	say(event{Event: "ready", Name: "pion " + version()})
	peers := map[string]chan command{}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line command
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			panic(err)
		}
		commands, known := peers[line.Peer]
		if !known {
			commands = make(chan command, 1000)
			peers[line.Peer] = commands
			one := &peer{name: line.Peer}
			// The lines for one peer are carried out one after the other.
			go func() {
				for line := range commands {
					if err := one.carryOut(line); err != nil {
						say(event{Peer: one.name, Event: "fault", Words: line.Do + ": " + err.Error()})
					}
				}
			}()
		}
		commands <- line
	}
}
