#!/usr/bin/env bash
# One connection too many: an error in plain text, and over TLS nothing at all.
#
# Packages: redis-tools 5:7.0.15-1~deb12u10 (Debian 12), which holds the program of the server too; python3. Ports 17531, 17532.
# Behaviour: at maxclients a server says `-ERR max number of clients reached` and hangs up; clients and their users know the sentence, and
# one would expect to read it over TLS as well. The limit is checked before the handshake, though, and what is written before that is dropped: the
# connection ends without a word of TLS, as it does with a wrong port or a proxy that has nobody behind it. Its log does not mention it
# either; only `rejected_connections` of INFO counts it. So to clients with TLS a limit that is too low looks like a broken certificate or network.
# Output seen:
#   plain, one too many: -ERR max number of clients reached
#   TLS, one too many: ended in the handshake
#   lines of the server's log about it: 0
#   rejected_connections: 1
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
apt-get -o APT::Sandbox::User=root download -qq redis-tools=5:7.0.15-1~deb12u10 >&2
dpkg-deb -x redis-tools_*.deb .
cp usr/bin/redis-check-rdb redis-server
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout key.pem -out cert.pem 2>/dev/null
./redis-server --port 17531 --bind 127.0.0.1 --save '' --dir "$folder" --maxclients 1 >plain.log &
./redis-server --port 0 --tls-port 17532 --bind 127.0.0.1 --save '' --dir "$folder" --maxclients 1 --tls-cert-file cert.pem --tls-key-file key.pem \
  --tls-ca-cert-file cert.pem --tls-auth-clients no --loglevel debug >tls.log &
cat >speak.py <<'END'
import re, socket, ssl, sys, time

context = ssl._create_unverified_context()


def connection(port):
    for _ in range(100):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=3)
        except ConnectionRefusedError:
            time.sleep(0.1)
    sys.exit("no server at %d" % port)


def answer(link, command):
    link.sendall(command)
    return link.recv(10000).decode()


first = connection(17531)
answer(first, b"PING\r\n")
plain = connection(17531).recv(100).decode().strip()
print("plain, one too many: %s" % plain)
only = context.wrap_socket(connection(17532))
answer(only, b"PING\r\n")
try:
    said = answer(context.wrap_socket(connection(17532)), b"PING\r\n")
except (ssl.SSLError, ConnectionError):
    said = "ended in the handshake"
print("TLS, one too many: %s" % said)
lines = len(re.findall("max number|maxclients|rejected", open("tls.log").read()))
print("lines of the server's log about it: %d" % lines)
rejected = re.search(r"rejected_connections:(\d+)", answer(only, b"INFO stats\r\n"))[1]
print("rejected_connections: %s" % rejected)
sys.exit(0 if plain.startswith("-ERR max") and said.startswith("ended") and lines == 0 and rejected == "1" else 1)
END
python3 speak.py
