#!/usr/bin/env bash
# What becomes of a connection to Redis whose user gets another password, and of one that logs in again with a wrong one.
#
# Package: redis-tools 5:7.0.15-1~deb12u10 (Debian 12), which holds the program of the server too.
# Behaviour: one would expect that a password which is no longer good ends what was opened with it, or that a failed AUTH leaves a connection
# without a user, as a failed login does elsewhere. Neither is so. A connection goes on as the user it has, whatever becomes of that user's
# password, and after an AUTH that fails it is still who it was. Only when the user is deleted is it closed, and only by AUTH with
# something good does it become another. So a client can try new credentials on the connection that it uses, without a risk; and to
# shut out who knows the old ones, the connections have to be killed. A subscription (RESP2) cannot be logged in anew at all.
# Output seen:
#   password changed: one
#   AUTH with a wrong one: WRONGPASS, still one
#   AUTH with another user: two
#   AUTH while subscribed: ERR Can't execute 'auth': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context
#   user deleted: closed
# Ends with 0 while it is so, with 1 when one of the five has changed.
set -euo pipefail
folder="$(mktemp -d)"
socket="$folder/redis.sock"
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
./redis-server --port 0 --unixsocket "$socket" --save '' --dir "$folder" >"$folder/log" &
until usr/bin/redis-cli -s "$socket" ping >/dev/null 2>&1; do read -rt 0.1 <> <(:) || true; done
cat >"$folder/ask.py" <<'END'
import socket, sys

class Connection:
    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(sys.argv[1])
        self.file = self.socket.makefile('rb')

    def ask(self, *words):
        """The reply's first line, or of a bulk string its text; '' once the connection is closed."""
        try:
            self.socket.sendall(b'*%d\r\n' % len(words) + b''.join(b'$%d\r\n%s\r\n' % (len(w), w.encode()) for w in words))
            line = self.file.readline().decode().rstrip()
        except (BrokenPipeError, ConnectionResetError):
            return ''
        return self.file.readline().decode().rstrip() if line.startswith('$') else line

admin, one = Connection(), Connection()
for user in ('one', 'two'):
    assert admin.ask('ACL', 'SETUSER', user, 'on', '>' + user, '~*', '&*', '+@all') == '+OK'
assert one.ask('AUTH', 'one', 'one') == '+OK'
assert admin.ask('ACL', 'SETUSER', 'one', 'resetpass', '>other') == '+OK'
print('password changed:', one.ask('ACL', 'WHOAMI'))
print('AUTH with a wrong one: %s, still %s' % (one.ask('AUTH', 'two', 'wrong').split()[0].lstrip('-'), one.ask('ACL', 'WHOAMI')))
assert one.ask('AUTH', 'two', 'two') == '+OK'
print('AUTH with another user:', one.ask('ACL', 'WHOAMI'))
subscriber = Connection()
subscriber.ask('SUBSCRIBE', 'channel')
for _ in range(5):
    subscriber.file.readline()
print('AUTH while subscribed:', subscriber.ask('AUTH', 'two', 'two').lstrip('-'))
assert admin.ask('ACL', 'DELUSER', 'two') == ':1'
print('user deleted:', one.ask('ACL', 'WHOAMI') or 'closed')
END
python3 "$folder/ask.py" "$socket" | tee "$folder/seen"
diff - "$folder/seen" <<'END'
password changed: one
AUTH with a wrong one: WRONGPASS, still one
AUTH with another user: two
AUTH while subscribed: ERR Can't execute 'auth': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context
user deleted: closed
END
