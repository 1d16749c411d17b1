#!/usr/bin/env bash
# A number of subscribers that is right on one node of a shard and wrong on the other.
#
# Package: redis-tools 5:7.0.15-1~deb12u10 (Debian 12), which holds the program of the server too. Ports 17501, 17502, 27501, 27502.
# Behaviour: in a Redis Cluster, SPUBLISH for a slot of another shard is answered with MOVED. A replica of the slot's own shard is in no such way
# another node, one would expect it to redirect as it does for a write, or to publish like its primary. It takes the message, without READONLY,
# and the whole shard gets it, the subscribers at the primary included, but the number it answers counts those of the replica alone: 0,
# while the message has been delivered. At the primary the same command answers 1. A program that reads 0 as "nobody listens" calls a message undelivered that has
# arrived, once it has a connection to a node that was just demoted.
# Output seen:
#   one subscriber, at the primary
#   SPUBLISH at the primary: 1
#   SPUBLISH at its replica: 0
#   the subscriber got 2 messages
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
primary=17501 replica=17502
for port in $primary $replica; do
  ./redis-server --port $port --bind 127.0.0.1 --save '' --cluster-enabled yes --cluster-config-file nodes-$port.conf \
    --cluster-node-timeout 2000 --dir "$folder" >$port.log &
done
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
until_says PONG cli $primary ping
until_says PONG cli $replica ping
cli $primary cluster addslotsrange 0 16383 >&2
cli $replica cluster meet 127.0.0.1 $primary >&2
until_says cluster_known_nodes:2 cli $replica cluster info
until_says OK cli $replica cluster replicate "$(cli $primary cluster myid)"
until_says cluster_state:ok cli $primary cluster info
until_says master_link_status:up cli $replica info replication
usr/bin/redis-cli -p $primary ssubscribe room >heard &
until_says ssubscribe cat heard
echo "one subscriber, at the primary"
at_primary=$(cli $primary spublish room first)
at_replica=$(cli $replica spublish room second)
until_says second cat heard
messages=$(grep -c smessage heard)
echo "SPUBLISH at the primary: $at_primary"
echo "SPUBLISH at its replica: $at_replica"
echo "the subscriber got $messages messages"
[[ $at_primary == 1 && $at_replica == 0 && $messages == 2 ]]
