#!/usr/bin/env bash
# TLS at a port without it: not an error, but silence.
#
# Packages: redis-tools 5:7.0.15-1~deb12u10 (Debian 12), which holds the program of the server too; python3. Ports 17521, 17522.
# Behaviour: when a client speaks TLS to a server that does not, one would expect what web and mail servers do: an error, or the end of the
# connection, as soon as the hello makes no sense. Redis takes what does not begin with `*` for an inline command and waits for the line feed at its
# end, which it looks for as in a C string: the hello has a zero byte early on, so the feeds behind that do not count. No answer comes, and the
# connection stays. The other way round, a plain PING at a TLS port, the connection is ended at once. So a wrong `rediss://` looks like a server that
# hangs and a wrong `redis://` like one that went away, and only a time-out of the client's own handshake ends the first.
# Output seen:
#   a TLS hello of 517 bytes at the plain port: nothing within 3 s, still open
#   a plain PING at the TLS port: closed after less than 1 s
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
./redis-server --port 17521 --bind 127.0.0.1 --save '' --dir "$folder" >plain.log &
./redis-server --port 0 --tls-port 17522 --bind 127.0.0.1 --save '' --dir "$folder" --tls-cert-file cert.pem --tls-key-file key.pem \
  --tls-ca-cert-file cert.pem --tls-auth-clients no >tls.log &
cat >speak.py <<'END'
import socket, ssl, sys, time


def connection(port):
    for _ in range(100):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=3)
        except ConnectionRefusedError:
            time.sleep(0.1)
    sys.exit("no server at %d" % port)


# What Python's own TLS client says first.
outgoing = ssl.MemoryBIO()
hello = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
try:
    hello.do_handshake()
except ssl.SSLWantReadError:
    pass
record = outgoing.read()
plain = connection(17521)
plain.sendall(record)
try:
    said = "answered %r" % plain.recv(100)
except TimeoutError:
    said = "nothing within 3 s, still open"
print("a TLS hello of %d bytes at the plain port: %s" % (len(record), said))
tls = connection(17522)
begun = time.monotonic()
tls.sendall(b"*1\r\n$4\r\nPING\r\n")
try:
    end = tls.recv(100)
except ConnectionResetError:
    end = b""
seconds = time.monotonic() - begun
print("a plain PING at the TLS port: %s after %.1f s" % ("closed" if end == b"" else repr(end), seconds))
sys.exit(0 if said.startswith("nothing") and end == b"" and seconds < 1 else 1)
END
python3 speak.py
