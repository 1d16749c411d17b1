#!/usr/bin/env bash
# Who trusts a server whose issuing authority is in the file of trusted certificates, without the authority that signed it.
#
# Packages: curl 7.88.1-10+deb12 (with OpenSSL), openssl 3.0, python3 3.11, nodejs 18 or later (Debian 12).
# Behaviour: all of them verify with OpenSSL 3.0 and are given the same file, so one would expect them to agree. curl sets
# X509_V_FLAG_PARTIAL_CHAIN unless it is told not to (since 7.68.0), so that whatever stands in the file ends the chain; with
# OpenSSL's own default, and so with its command, Python and Node.js, only a self-signed certificate does. A file that works for
# `curl --cacert` need not work for a program; whoever checks one with curl checks something else.
# Output seen:
#   curl: trusted
#   openssl: not trusted
#   python: not trusted
#   node: not trusted
# Ends with 0 while it is so, with 1 when one of them has changed.
set -euo pipefail
folder="$(mktemp -d)"
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$folder"' EXIT
cd "$folder"
new=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
openssl req -x509 "${new[@]}" -keyout root.key -out root.pem -days 2 -subj '/CN=Root' 2>/dev/null
issue() { # NAME SIGNER EXTENSION
  openssl req "${new[@]}" -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" 2>/dev/null
  openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days 2 -extfile <(echo "$3") -out "$1.pem" 2>/dev/null
}
issue issuing root 'basicConstraints=critical,CA:TRUE'
issue server issuing 'subjectAltName=DNS:localhost'
python3 - <<'END' &
import http.server, ssl
server = http.server.HTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('server.pem', 'server.key')
server.socket = context.wrap_socket(server.socket, server_side=True)
server.RequestHandlerClass.log_message = lambda *_: None
with open('port', 'w') as file:
    file.write(f'{server.server_port}\n')
server.handle_error = lambda *_: None
server.serve_forever()
END
server=$!
until [ -s port ]; do sleep 0.1; done
port="$(cat port)"
as_seen=0
report() { # WHO SEEN COMMAND…
  local who=$1 seen=$2 said='not trusted'
  shift 2
  if "$@" >/dev/null 2>&1 </dev/null; then said=trusted; fi
  echo "$who: $said"
  [ "$said" = "$seen" ] || as_seen=1
}
report curl trusted curl --noproxy '*' --cacert issuing.pem --resolve "localhost:$port:127.0.0.1" "https://localhost:$port/"
report openssl 'not trusted' openssl s_client -connect "127.0.0.1:$port" -servername localhost -CAfile issuing.pem -no-CApath -verify_return_error
report python 'not trusted' python3 -c "
import socket, ssl
context = ssl.create_default_context(cafile='issuing.pem')
context.wrap_socket(socket.create_connection(('127.0.0.1', $port)), server_hostname='localhost')"
report node 'not trusted' node -e "
const socket = require('node:tls').connect({ port: $port, host: '127.0.0.1', servername: 'localhost', ca: require('node:fs').readFileSync('issuing.pem') });
socket.once('secureConnect', () => process.exit(0)).once('error', () => process.exit(1));"
exit "$as_seen"
