#!/usr/bin/env bash
# A right that can be written down, is shown back, and decides nothing.
#
# Package: redis-tools 5:7.0.15-1~deb12u10 (Debian 12), which holds the program of the server too. Port 17531.
# Behaviour: an ACL user without any right (`-@all`) is refused every command with NOPERM, PING too, one would expect. HELLO, AUTH, RESET and QUIT are
# carried out before rights are looked at. HELLO answers with the server's version, mode (standalone, cluster, sentinel) and role, so what a user
# with least rights may learn of the server is more than nothing, and a client need not ask for a right to find out what it speaks to.
# `-hello` in the rule is taken and listed by ACL LIST, and HELLO works all the same.
# Output seen:
#   PING: NOPERM
#   INFO: NOPERM
#   HELLO: answered, mode standalone, role master
#   HELLO after -hello: answered, mode standalone, role master
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
./redis-server --port 17531 --bind 127.0.0.1 --save '' --dir "$folder" >log &
cli() { usr/bin/redis-cli -p 17531 "$@"; }
for _ in {1..100}; do
  [[ $(cli ping 2>/dev/null) == PONG ]] && break
  read -rt 0.1 <> <(:) || true
done
cli acl setuser guest on '>pw' -@all >&2
seen=()
say() {
  seen+=("$1: $2")
  echo "$1: $2"
}
guest() { usr/bin/redis-cli -p 17531 --user guest --pass pw --no-auth-warning "$@" | tr '\n' ' '; }
told() {
  local text
  text="$(guest "$@")"
  if [[ $text == *NOPERM* ]]; then
    echo NOPERM
  elif [[ $text =~ mode\ ([a-z]+)\ role\ ([a-z]+) ]]; then
    echo "answered, mode ${BASH_REMATCH[1]}, role ${BASH_REMATCH[2]}"
  else
    echo "$text"
  fi
}
say PING "$(told ping)"
say INFO "$(told info server)"
say HELLO "$(told hello)"
cli acl setuser guest -hello >&2
say 'HELLO after -hello' "$(told hello)"
expected=(
  'PING: NOPERM'
  'INFO: NOPERM'
  'HELLO: answered, mode standalone, role master'
  'HELLO after -hello: answered, mode standalone, role master'
)
[[ ${seen[*]} == "${expected[*]}" ]]
