#!/usr/bin/env bash
# A planned fail-over, and two primaries that both acknowledge writes for ten seconds.
#
# Package: redis-tools 5:7.0.15-1~deb12u10 (Debian 12), which holds the programs of the server and of Sentinel. Ports 17511 to 17513.
# Behaviour: SENTINEL FAILOVER is what operators use to move a primary that is alive, say before a reboot. One would expect that it stops writes,
# waits for the replica, and swaps the two, as CLUSTER FAILOVER and the command FAILOVER do. It promotes the replica within a fraction of a second,
# and leaves the old primary alone: that goes on acknowledging the writes of its clients for some ten seconds, until Sentinel sees a node that
# claims a role it should not have, and demotes it. Then it takes over the data of the new primary: every write that it acknowledged meanwhile is gone.
# No client is told anything before.
# Output seen:
#   the replica was promoted after less than 2 s
#   the old primary went on acknowledging writes for 10 to 12 s
#   of those writes the grid has kept 0
# Ends with 0 while it acknowledges for more than 5 s and keeps none of them, else with 1.
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
old=17511 new=17512 sentinel=17513
./redis-server --port $old --bind 127.0.0.1 --save '' --dir "$folder" >old.log &
./redis-server --port $new --bind 127.0.0.1 --save '' --dir "$folder" --replicaof 127.0.0.1 $old >new.log &
cat >sentinel.conf <<END
port $sentinel
bind 127.0.0.1
dir $folder
sentinel monitor main 127.0.0.1 $old 1
sentinel down-after-milliseconds main 2000
END
./redis-server sentinel.conf --sentinel >sentinel.log &
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
milliseconds() { date +%s%3N; }
until_says master_link_status:up cli $new info replication
until_says slaves=1 cli $sentinel info sentinel
[[ $(cli $sentinel sentinel failover main) == OK ]]
begun=$(milliseconds)
until_says role:master cli $new info replication
promoted=$(milliseconds)
echo "the replica was promoted after $((promoted - begun)) ms"
writes=0
while [[ $(cli $old set "write:$writes" x 2>&1) == OK ]]; do
  writes=$((writes + 1))
  last=$(milliseconds)
  read -rt 0.1 <> <(:) || true
  if ((last - promoted > 60000)); then break; fi
done
acknowledged=$((last - promoted))
echo "the old primary went on acknowledging writes for $acknowledged ms ($writes of them)"
until_says master_link_status:up cli $old info replication
kept=$(cli $new keys 'write:*' | grep -c write || true)
echo "of those writes the grid has kept $kept"
((acknowledged > 5000 && acknowledged < 60000 && kept == 0))
