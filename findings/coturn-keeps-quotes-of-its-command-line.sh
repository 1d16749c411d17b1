#!/usr/bin/env bash
# What coturn takes for its shared secret when that is written in quotes: in its configuration file, and among its arguments.
#
# Package: coturn 4.6.1-1 (Debian 12).
# Behaviour: static-auth-secret="s3cret" may stand in turnserver.conf, and is an argument of the same name, --static-auth-secret="s3cret".
# A shell takes the quotes off, but a list of arguments in a compose file, a Kubernetes manifest or a unit's ExecStart with quotes inside
# has none. One would expect the program to read both alike. It does not: in the file the quotes are no part of the secret, among the
# arguments they are. So one of two servers that seem to have the same setting answers 401 to every node, and moving a setting that
# works from the file to the arguments breaks it.
# Output seen:
#   file: s3cret allocated, "s3cret" error 401
#   arguments: s3cret error 401, "s3cret" allocated
# Ends with 0 while it is so, with 1 when it has changed.
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
apt-get -o APT::Sandbox::User=root download -qq coturn=4.6.1-1 >&2
dpkg-deb -x coturn_*.deb .
cat >ask.py <<'END'
import base64, hashlib, hmac, os, socket, struct, sys, time


def attribute(kind, value):
    return struct.pack('!HH', kind, len(value)) + value + b'\0' * (-len(value) % 4)


def allocate(sock, attributes, key=None):
    """Whether it succeeds, and the attributes of the answer by their numbers (RFC 8489, RFC 8656)."""
    transaction, body = os.urandom(12), attribute(0x0019, b'\x11\0\0\0') + attributes
    if key is not None:
        head = struct.pack('!HHI', 0x0003, len(body) + 24, 0x2112A442) + transaction
        body += attribute(0x0008, hmac.new(key, head + body, hashlib.sha1).digest())
    request = struct.pack('!HHI', 0x0003, len(body), 0x2112A442) + transaction + body
    for _ in range(50):
        try:
            sock.send(request)
            answer = sock.recv(2048)
            break
        except (TimeoutError, ConnectionRefusedError):
            time.sleep(0.1)
    found, at = {}, 20
    while at < len(answer):
        kind, size = struct.unpack_from('!HH', answer, at)
        found[kind] = answer[at + 4:at + 4 + size]
        at += 4 + size + -size % 4
    return answer[:2] == b'\x01\x03', found


def outcome(port, secret):
    user = str(int(time.time()) + 600).encode()
    password = base64.b64encode(hmac.new(secret.encode(), user, hashlib.sha1).digest())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.5)
        sock.connect(('127.0.0.1', port))
        challenge = allocate(sock, b'')[1]
        realm, nonce = challenge[0x0014], challenge[0x0015]
        key = hashlib.md5(user + b':' + realm + b':' + password).digest()
        named = attribute(0x0006, user) + attribute(0x0014, realm) + attribute(0x0015, nonce)
        succeeds, found = allocate(sock, named, key)
    return 'allocated' if succeeds else 'error %d' % (found[0x0009][2] * 100 + found[0x0009][3])


print(', '.join('%s %s' % (secret, outcome(int(sys.argv[1]), secret)) for secret in ('s3cret', '"s3cret"')))
END
free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
options=(--listening-ip=127.0.0.1 --relay-ip=127.0.0.1 --no-tls --no-dtls --no-cli --use-auth-secret --realm=example.org)
mkdir file arguments
echo 'static-auth-secret="s3cret"' >file/turnserver.conf
port="$(free_port)"
usr/bin/turnserver -c "$PWD/file/turnserver.conf" "${options[@]}" --listening-port="$port" --pidfile="$PWD/file/pid" --log-file="$PWD/file/log" >/dev/null 2>&1 &
echo "file: $(python3 ask.py "$port")" | tee seen
port="$(free_port)"
usr/bin/turnserver -n "${options[@]}" --static-auth-secret='"s3cret"' --listening-port="$port" --pidfile="$PWD/arguments/pid" --log-file="$PWD/arguments/log" >/dev/null 2>&1 &
echo "arguments: $(python3 ask.py "$port")" | tee -a seen
diff - seen <<'END'
file: s3cret allocated, "s3cret" error 401
arguments: s3cret error 401, "s3cret" allocated
END
