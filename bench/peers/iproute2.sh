#!/bin/bash
# iproute2: `ip -batch` and `bridge -batch` where something is made, text where something is read.
# usage: iproute2.sh WORKLOAD COUNT
set -eu
workload=$1 count=$2
batch=$(mktemp) read=$(mktemp)
listener=
trap 'rm -f "$batch" "$read"; [ -z "$listener" ] || kill "$listener" 2>/dev/null || true' EXIT
lines() { awk -v n="$count" "BEGIN { for (i = 0; i < n; i++) printf $1 }" >"$batch"; }
# Microseconds, without starting a process.
now() { time=${EPOCHREALTIME/[.,]/}; }
measured() {
  local begin
  now; begin=$time
  "$@" >"$read"
  now
  ns=$(((time - begin) * 1000))
}
# Runs `ip monitor` until it is told to end, then says what that cost.
listen() {
  ip monitor neigh >"$read" &
  trap "kill $!" TERM
  wait || true
  wait || true
  times >"$batch"
}
# What it has no words for is done by the tools that people use beside it.
host() {
  ip -batch "$batch"
  sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.br0.rp_filter=2 \
    net.ipv4.conf.br0.proxy_arp=1 net.ipv6.conf.br0.disable_ipv6=1
  nft -f "$BENCH_RULES"
}
objects=$count
case $workload in
bridges | bridges-each) lines '"link add br%d type bridge\n", i' ; measured ip -batch "$batch" ;;
vxlans)
  lines '"link add vx%d up master br0 type vxlan id %d remote 10.0.0.2 dstport 4789\n", i, i + 1'
  measured ip -batch "$batch"
  ;;
host)
  printf '%s\n' 'link add br0 mtu 1400 up type bridge' \
    'link add vx0 mtu 1400 up master br0 type vxlan id 1 remote 10.0.0.2 dstport 4789' >"$batch"
  measured host
  ;;
routes)
  lines '"route add 10.%d.%d.%d/32 dev br0 proto static scope link\n", int(i / 65536), int(i / 256) % 256, i % 256'
  measured ip -batch "$batch"
  ;;
entries)
  lines '"fdb append 02:00:00:%02x:%02x:%02x dev vx0 dst 10.1.%d.%d self permanent\n", int(i / 65536), int(i / 256) % 256, i % 256, int(i / 256) % 256, i % 256'
  measured bridge -batch "$batch"
  ;;
links-dump) measured ip -oneline link show ; objects=$(wc -l <"$read") ;;
routes-dump) measured ip route show ; objects=$(wc -l <"$read") ;;
entries-dump) measured bridge fdb show dev vx0 ; objects=$(wc -l <"$read") ;;
round-trip) lines '"link show lo\n"' ; measured ip -batch "$batch" ; objects=$(grep -c ': lo:' "$read") ;;
events)
  listen &
  listener=$!
  sleep 0.2
  "$BENCH_FLOOR" neighbors "$count" >/dev/null
  sleep 1
  kill "$listener"
  wait "$listener" || true
  # The second line that `times` prints is of children: 0m0.052s 0m0.113s
  ns=$(sed -n '2{s/[0-9]*m//g; s/s//g; p}' "$batch" | awk '{ printf "%d", ($1 + $2) * 1e9 }')
  objects=$(wc -l <"$read")
  ;;
*) exit 3 ;;
esac
echo "{\"ns\": $ns, \"objects\": $objects}"
