#!/usr/bin/env bash
# A Socket.IO client in Node.js that does not trust a server's certificate never tells the server so.
#
# Packages: npm socket.io-client 4.8.1 and node 20.18.1; python3 for the server and as the other client.
# Behaviour: RFC 8446 6.2 has an alert for it (unknown_ca), and a client on OpenSSL's own verification sends it. Node.js has OpenSSL accept every
# certificate and verifies it itself afterwards; then it destroys the socket. So in TLS 1.3 the server sees the end of TCP in the middle of the
# handshake, and in TLS 1.2 a handshake that has succeeded, with no request behind it. A server that logs or counts alerts knows of no such client:
# a certificate that lacks its intermediate looks like a network that fails now and then.
# Output seen:
#   TLS 1.3, socket.io-client: the end of TCP before the handshake was complete
#   TLS 1.3, Python's client: the alert TLSV1_ALERT_UNKNOWN_CA
#   TLS 1.2, socket.io-client: the handshake was complete, then the end of TCP
#   TLS 1.2, Python's client: the alert TLSV1_ALERT_UNKNOWN_CA
# Ends with 0 while it is so, with 1 when one of them has changed.
set -euo pipefail
folder="$(mktemp -d)"
cleanup() {
  local each
  for each in $(jobs -p); do kill "$each" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$folder"
}
trap cleanup EXIT
cd "$folder"
npm install --silent --no-fund --no-audit socket.io-client@4.8.1 node@20.18.1 >/dev/null
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout key.pem -out cert.pem 2>/dev/null
cat >server.py <<'END'
import socket
import ssl
import sys

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("cert.pem", "key.pem")
context.maximum_version = ssl.TLSVersion[sys.argv[1]]
listener = socket.create_server(("127.0.0.1", int(sys.argv[2])))
print("ready", flush=True)
for _ in range(2):
    connection, _ = listener.accept()
    try:
        tls = context.wrap_socket(connection, server_side=True)
    except ssl.SSLError as error:
        end = "UNEXPECTED_EOF" in error.reason
        print("the end of TCP before the handshake was complete" if end else "the alert " + error.reason, flush=True)
        continue
    except ConnectionResetError:
        print("the end of TCP before the handshake was complete", flush=True)
        continue
    try:
        received = tls.recv(100)
    except (ssl.SSLEOFError, ConnectionResetError):
        received = b""
    print("the handshake was complete, then", "a request" if received else "the end of TCP", flush=True)
END
cat >client.cjs <<'END'
const { io } = require('socket.io-client');
const socket = io(`https://localhost:${process.argv[2]}`, { transports: ['websocket'], reconnection: false });
socket.on('connect', () => process.exit(1));
socket.on('connect_error', () => process.exit(0));
END
cat >client.py <<'END'
import socket
import ssl
import sys

try:
    ssl.create_default_context().wrap_socket(socket.create_connection(("localhost", int(sys.argv[1]))), server_hostname="localhost")
    sys.exit(1)
except ssl.SSLCertVerificationError:
    pass
END
failed=0
check() {
  printf '%s: %s\n' "$1" "$2"
  [[ $2 == "$3" ]] || failed=1
}
port=17531
for version in TLSv1_3 TLSv1_2; do
  python3 server.py "$version" "$port" >"$version" &
  server=$!
  until grep -q ready "$version"; do kill -0 "$server"; done
  node_modules/.bin/node client.cjs "$port"
  python3 client.py "$port"
  wait "$server"
  port=$((port + 1))
done
check "TLS 1.3, socket.io-client" "$(sed -n 2p TLSv1_3)" "the end of TCP before the handshake was complete"
check "TLS 1.3, Python's client" "$(sed -n 3p TLSv1_3)" "the alert TLSV1_ALERT_UNKNOWN_CA"
check "TLS 1.2, socket.io-client" "$(sed -n 2p TLSv1_2)" "the handshake was complete, then the end of TCP"
check "TLS 1.2, Python's client" "$(sed -n 3p TLSv1_2)" "the alert TLSV1_ALERT_UNKNOWN_CA"
exit "$failed"
