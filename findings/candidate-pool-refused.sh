#!/usr/bin/env bash
# A hint in the RTC configuration that keeps two WebRTC stacks from making a peer connection at all.
#
# Packages: werift 0.24.4 and @roamhq/wrtc 0.10.0 (npm), pion/webrtc v4.2.26 (Go modules). Node.js 18 or later, Go 1.24 or later.
# Behaviour: W3C's WebRTC calls iceCandidatePoolSize the size of a prefetched pool and lets an implementation limit it, so one would expect
# a stack without pools to ignore it. werift throws for anything above 0, pion for anything above 1; both take the rest of the configuration.
# So a configuration with a 10 in it is fine for a node of one stack and ends every node of another before it has begun.
# Output seen:
#   @roamhq/wrtc 0: made        1: made                                              10: made
#   werift 0: made              1: Error: iceCandidatePoolSize > 0 is not supported  10: the same
#   pion 0: made                1: made                                              10: NotSupportedError: ice candidate pool size greater than 1 is not supported
# Ends with 0 while it is so, with 1 when one of the nine has changed.
set -euo pipefail
folder="$(mktemp -d)"
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
cat >package.json <<'END'
{ "type": "module", "dependencies": { "werift": "0.24.4", "@roamhq/wrtc": "0.10.0" } }
END
npm install --silent --no-audit --no-fund >&2
cat >sizes.mjs <<'END'
import wrtc from '@roamhq/wrtc';
import { RTCPeerConnection } from 'werift';
for (const [name, Connection] of Object.entries({ '@roamhq/wrtc': wrtc.RTCPeerConnection, werift: RTCPeerConnection })) {
  for (const iceCandidatePoolSize of [0, 1, 10]) {
    try {
      await new Connection({ iceServers: [], iceCandidatePoolSize }).close();
      console.log(`${name} ${iceCandidatePoolSize}: made`);
    } catch (error) {
      console.log(`${name} ${iceCandidatePoolSize}: ${error}`);
    }
  }
}
process.exit(0);
END
cat >go.mod <<'END'
module sizes
go 1.24
require github.com/pion/webrtc/v4 v4.2.26
END
cat >main.go <<'END'
package main

import (
	"fmt"

	"github.com/pion/webrtc/v4"
)

func main() {
	for _, size := range []uint8{0, 1, 10} {
		connection, err := webrtc.NewPeerConnection(webrtc.Configuration{ICECandidatePoolSize: size})
		if err != nil {
			fmt.Printf("pion %d: %v\n", size, err)
			continue
		}
		connection.Close()
		fmt.Printf("pion %d: made\n", size)
	}
}
END
GOFLAGS=-mod=mod go mod tidy 2>/dev/null
seen="$(node sizes.mjs && go run .)"
echo "$seen"
expected='@roamhq/wrtc 0: made
@roamhq/wrtc 1: made
@roamhq/wrtc 10: made
werift 0: made
werift 1: Error: iceCandidatePoolSize > 0 is not supported
werift 10: Error: iceCandidatePoolSize > 0 is not supported
pion 0: made
pion 1: made
pion 10: NotSupportedError: ice candidate pool size greater than 1 is not supported'
[[ "$seen" == "$expected" ]] || { echo "changed" >&2; exit 1; }
