#!/usr/bin/env bash
# A replication id that changes although nothing was promoted, and nothing restarted.
#
# Package: redis-tools 5:7.0.15-1~deb12u10 (Debian 12), which holds the program of the server too. Ports 17541, 17542.
# Behaviour: `master_replid` of INFO names a history of writes, and the documentation has it change when a server begins a new one: at its start,
# and when a replica is promoted. Software that wants to know whether a primary is still the one it has written to, without trusting addresses,
# takes it for that. It also changes on a primary that has run all the time, at the moment when a replica attaches and there is no backlog
# yet: for the first one, and again for the first one after the last has been away for repl-backlog-ttl (an hour by default). `run_id` stays,
# but does not change at a promotion. What tells a promotion is `master_replid2`, which then names the former history and is zeros here.
# Output seen:
#   after the first replica: run_id is the same, master_replid is another one, master_replid2 is zeros
#   after a second first replica: run_id is the same, master_replid is another one, master_replid2 is zeros
#   after the promotion of a replica: run_id is the same, master_replid is another one, master_replid2 is the id that it has followed
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
cli() { usr/bin/redis-cli -p "$@"; }
primary=17541 replica=17542
# The backlog is freed after a second instead of an hour.
./redis-server --port $primary --bind 127.0.0.1 --save '' --dir "$folder" --repl-backlog-ttl 1 --repl-diskless-sync-delay 0 >primary.log &
./redis-server --port $replica --bind 127.0.0.1 --save '' --dir "$folder" --repl-diskless-sync-delay 0 >replica.log &
until_says() {
  local wanted=$1
  shift
  local try
  for try in {1..300}; do
    [[ $("$@" 2>/dev/null) == *"$wanted"* ]] && return
    read -rt 0.1 <> <(:) || true
  done
  echo "never seen: $wanted" >&2
  exit 1
}
field() { cli "$1" info all | tr -d '\r' | sed -n "s/^$2://p"; }
zeros=0000000000000000000000000000000000000000
# Compares a server with what it was before: tell PORT RUN_ID MASTER_REPLID
tell() {
  local run id second
  run=$([[ $(field "$1" run_id) == "$2" ]] && echo 'is the same' || echo 'is another one')
  id=$([[ $(field "$1" master_replid) == "$3" ]] && echo 'is the same' || echo 'is another one')
  second=$(field "$1" master_replid2)
  case "$second" in
    "$zeros") second='is zeros' ;;
    "$3") second='is the id that it has followed' ;;
  esac
  echo "run_id $run, master_replid $id, master_replid2 $second"
}
until_says PONG cli $primary ping
until_says PONG cli $replica ping
run=$(field $primary run_id) id=$(field $primary master_replid)
cli $replica replicaof 127.0.0.1 $primary >/dev/null
until_says master_link_status:up cli $replica info replication
first=$(tell $primary "$run" "$id")
echo "after the first replica: $first"
id=$(field $primary master_replid)
cli $replica shutdown nosave 2>/dev/null || true
until_says repl_backlog_active:0 cli $primary info replication
./redis-server --port $replica --bind 127.0.0.1 --save '' --dir "$folder" --replicaof 127.0.0.1 $primary >replica.log &
until_says master_link_status:up cli $replica info replication
again=$(tell $primary "$run" "$id")
echo "after a second first replica: $again"
run=$(field $replica run_id) id=$(field $replica master_replid)
cli $replica replicaof no one >/dev/null
until_says role:master cli $replica info replication
promoted=$(tell $replica "$run" "$id")
echo "after the promotion of a replica: $promoted"
unpromoted='run_id is the same, master_replid is another one, master_replid2 is zeros'
[[ $first == "$unpromoted" && $again == "$unpromoted" &&
  $promoted == 'run_id is the same, master_replid is another one, master_replid2 is the id that it has followed' ]]
