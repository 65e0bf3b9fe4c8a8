#!/bin/bash
# What the data plane knows from the kernel and tells it: next hops, the guard against the kernel's own answers, and the
# guard against super frames, on real interfaces.
#
#     pod                    node                      gw
#   10.9.0.1               10.9.0.3              10.9.0.2, 2001:db8:9::2
#     eth0 ------------ p0  br0  g0 ---------------- eth0   <- kernel_net_probe
#                           q0
#     spare                 |
#     eth0 -----------------+
#   10.9.0.4
#
# usage: kernel_net_test.sh BUILD_DIRECTORY
set -euo pipefail

probe=${1:?build directory}/test/kernel_net_probe
[ "$(id -u)" = 0 ] || { echo "SKIP: needs root"; exit 77; }
for tool in ip nft tcpdump ethtool ping iperf3; do
  command -v $tool >/dev/null || { echo "SKIP: no $tool"; exit 77; }
done
[ -x "$probe" ] || { echo "SKIP: no $probe"; exit 77; }

id=$$
pod=kn$id-pod node=kn$id-node gw=kn$id-gw spare=kn$id-spare
scratch=$(mktemp -d)
probe_pid=

# shellcheck disable=SC2317  # called by the trap
cleanup() {
  for child in $(jobs -p) $probe_pid; do kill "$child" 2>/dev/null || true; done
  for ns in $pod $node $gw $spare; do ip netns del "$ns" 2>/dev/null || true; done
  rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
ip netns add probe$id 2>/dev/null || { echo "SKIP: no network namespaces"; exit 77; }
ip netns del probe$id

fail() { echo "FAIL: $*" >&2; exit 1; }
at() { ip netns exec "$@"; }

join() {  # namespace, the bridge's port, address
  ip -n $node link add "$2" type veth peer name eth0 netns "$1"
  ip -n $node link set "$2" master br0 up
  ip -n "$1" link set lo up
  ip -n "$1" link set eth0 up
  ip -n "$1" address add "$3/24" dev eth0
}

start() {  # namespace, the probe's arguments: it runs until stop or crash
  mkfifo "$scratch/to" "$scratch/from"
  local ns=$1
  shift
  # Not through `ip netns exec` as a parent: a signal has to reach the probe itself.
  nsenter --net=/var/run/netns/"$ns" "$probe" "$@" <"$scratch/to" >"$scratch/from" &
  probe_pid=$!
  exec 5>"$scratch/to" 6<"$scratch/from"
  rm "$scratch/to" "$scratch/from"
  read -r -t 10 line <&6 || line="no word from the probe"
}
started() { start "$@"; [ "$line" = ready ] || fail "$* said: $line"; }
stop() { exec 5>&-; wait $probe_pid || fail "the probe left with $?"; exec 6<&-; probe_pid=; }
crash() { kill -9 $probe_pid; wait $probe_pid 2>/dev/null || true; exec 5>&- 6<&-; probe_pid=; }
ask() { echo "$*" >&5; read -r -t 5 reply <&6 || fail "no answer to: $*"; }

becomes() {  # the answer, question: at once on an idle machine; a link's state alone may take the kernel a second
  local expected=$1 deadline=$((SECONDS + 15))
  shift
  while ask "$@"; [ "$reply" != "$expected" ]; do
    [ $SECONDS -lt $deadline ] || fail "$*: is '$reply', expected '$expected'"
    sleep 0.05
  done
}
stays() {  # the answer, seconds, question
  local expected=$1 deadline=$((SECONDS + $2))
  shift 2
  while [ $SECONDS -lt $deadline ]; do
    ask "$@"
    [ "$reply" = "$expected" ] || fail "$*: became '$reply', expected '$expected'"
    sleep 0.1
  done
}

for ns in $pod $node $gw $spare; do ip netns add "$ns"; done
ip -n $node link add br0 type bridge
ip -n $node link set br0 up
ip -n $node address add 10.9.0.3/24 dev br0
ip -n $node address add 2001:db8:9::3/64 dev br0 nodad
join $pod p0 10.9.0.1
join $spare q0 10.9.0.4
join $gw g0 10.9.0.2
ip -n $gw address add 2001:db8:9::2/64 dev eth0 nodad
mac() { at "$1" cat "/sys/class/net/$2/address"; }
pod_mac=$(mac $pod eth0) node_mac=$(mac $node br0) spare_mac=$(mac $spare eth0) gw_mac=$(mac $gw eth0)
# A neighbour gets old within a second or so instead of half a minute.
for setting in base_reachable_time_ms=1000 delay_first_probe_time=1 retrans_time_ms=200 gc_stale_time=1; do
  at $gw sysctl -qw net.ipv4.neigh.eth0.$setting
done

echo "== next hops: what exists, and what does not"
start $gw next_hops eth7
[ "$line" = "error: interface eth7 does not exist in this network namespace; there are: lo, eth0" ] || fail "$line"
wait $probe_pid && fail "no failure for a missing interface"
exec 5>&- 6<&-
started $gw next_hops eth0
ask own
[[ "$reply" == "$gw_mac 10.9.0.2/24 2001:db8:9::2/64"* ]] || fail "own: $reply"
ask hop 192.0.2.1
[ "$reply" = "none none" ] || fail "a route without a route: $reply"

echo "== a fresh neighbour is resolved when asked for"
ask hop 10.9.0.1
[ "$reply" = "10.9.0.1 none" ] || fail "known too early: $reply"
ask solicit 10.9.0.1
becomes "10.9.0.1 $pod_mac" hop 10.9.0.1
ask path 2001:db8:9::3
becomes "2001:db8:9::2 $node_mac" path 2001:db8:9::3

echo "== a gateway, and its change, are followed"
ip -n $gw route add default via 10.9.0.3
becomes "10.9.0.2 $node_mac" path 192.0.2.1
becomes "10.9.0.3 $node_mac" hop 192.0.2.1
ip -n $gw route replace default via 10.9.0.4
becomes "10.9.0.2 $spare_mac" path 192.0.2.1
becomes "10.9.0.4 $spare_mac" hop 192.0.2.1
ip -n $gw route add 192.0.2.0/24 proto static nexthop via 10.9.0.1 nexthop via 10.9.0.3
becomes "10.9.0.1 $pod_mac" hop 192.0.2.1
ip -n $gw route add 192.0.2.0/28 via 10.9.0.3 table 77
stays "10.9.0.1 $pod_mac" 1 hop 192.0.2.1
ip -n $gw route add dev lo 198.51.100.0/24 && ip -n $gw route add 198.51.100.0/25 dev eth0
becomes "198.51.100.1 none" hop 198.51.100.1
ip -n $gw route replace 198.51.100.0/25 dev lo  # tells of lo only
becomes "10.9.0.4 $spare_mac" hop 198.51.100.1

echo "== a burst is few changes"
ask changes; before=$reply
for i in $(seq 1 2000); do echo "route add 10.200.$((i / 250)).$((i % 250)) via 10.9.0.3"; done >"$scratch/routes"
ip -n $gw -batch "$scratch/routes"
becomes "10.9.0.3 $node_mac" hop 10.200.8.0
ask changes
echo "2000 routes: $((reply - before)) changes"
[ $((reply - before)) -lt 500 ] || fail "2000 routes were $((reply - before)) changes"
[ $((reply - before)) -gt 0 ] || fail "2000 routes were no change"

echo "== a neighbour in use stays known while the kernel calls it stale"
ask solicit 10.9.0.1
stays "10.9.0.1 $pod_mac" 6 hop 10.9.0.1
at $gw ip neigh show 10.9.0.1 | grep -E "REACHABLE|DELAY|PROBE|STALE" >/dev/null || fail "$(at $gw ip neigh show 10.9.0.1)"

echo "== a neighbour that fails is forgotten, and found again with another MAC"
ip -n $pod link set eth0 down
becomes "10.9.0.1 none" hop 10.9.0.1
ip -n $pod link set eth0 address 02:00:00:00:00:77
ip -n $pod link set eth0 up
ask solicit 10.9.0.1
becomes "10.9.0.1 02:00:00:00:00:77" hop 10.9.0.1
pod_mac=02:00:00:00:00:77

echo "== a link that goes down and comes back"
ip -n $gw link set eth0 down
becomes "none none" hop 10.9.0.1
ip -n $gw link set eth0 up
becomes "10.9.0.1 none" hop 10.9.0.1
ask solicit 10.9.0.1
becomes "10.9.0.1 $pod_mac" hop 10.9.0.1

echo "== an interface deleted and made again"
ip -n $node link del g0
becomes "00:00:00:00:00:00" own
join $gw g0 10.9.0.22
gw_mac=$(mac $gw eth0)
becomes "10.9.0.1 none" hop 10.9.0.1
ask own
[[ "$reply" == "$gw_mac 10.9.0.22/24"* ]] || fail "own: $reply"
ask path 10.9.0.1
becomes "10.9.0.22 $pod_mac" path 10.9.0.1
ip -n $gw address del 10.9.0.22/24 dev eth0
becomes "none" path 10.9.0.1
ip -n $gw address add 10.9.0.2/24 dev eth0
becomes "10.9.0.2 $pod_mac" path 10.9.0.1
stop

# The guard. Whether the kernel of gw answers "port unreachable": the second write to a connected socket tells.
refuses() {  # port
  at $node bash -c "exec 3>/dev/udp/10.9.0.2/$1; echo x >&3; sleep 0.2; echo x >&3" 2>/dev/null && return 1 || return 0
}
rejects() { { at $pod ping -c 1 -W 1 "$1" || true; } | grep "Unreachable" >/dev/null; }
tables() { at $gw nft list tables | grep -c isthmus || true; }

echo "== the guard keeps the kernel quiet, and only where it should"
at $gw sysctl -qw net.ipv4.ip_forward=1 net.ipv4.icmp_ratelimit=0
ip -n $gw route del default 2>/dev/null || true
ip -n $pod route add default via 10.9.0.2
for ns in $pod $node; do ip -n "$ns" neigh flush all; done  # gw's old MAC
ping_gw() { at $node ping -c 1 -W 1 10.9.0.2 >/dev/null; }
ping_gw || fail "no way to gw"
refuses 51820 || fail "without the guard there is no port unreachable: the oracle is blind"
rejects 10.71.2.5 || fail "without the guard there is no net unreachable: the oracle is blind"
guard="guard east eth0 51820 eth0 10.71.0.0/16 10.71.2.0/24 10.72.0.0/16 0.0.0.0/8 255.255.255.0/24"
# shellcheck disable=SC2086
started $gw $guard
refuses 51820 && fail "port unreachable despite the guard"
rejects 10.71.2.5 && fail "net unreachable despite the guard"
rejects 10.72.255.255 && fail "net unreachable at the end of a range"
refuses 51821 || fail "another port is guarded too"
rejects 10.73.0.0 || fail "another destination is guarded too"
ping_gw || fail "the guard cuts gw off"
at $gw nft list table inet isthmus_east | grep "udp dport 51820 counter packets [1-9]" >/dev/null || fail "no count"

echo "== after a crash the table is there, once, and still after a restart"
crash
[ "$(tables)" = 1 ] || fail "$(tables) tables after a crash"
refuses 51820 && fail "port unreachable after a crash"
# shellcheck disable=SC2086
started $gw $guard
[ "$(tables)" = 1 ] || fail "$(tables) tables after a restart"
[ "$(at $gw nft list table inet isthmus_east | grep -c "udp dport")" = 1 ] || fail "rules were doubled"
stop
[ "$(tables)" = 0 ] || fail "the table outlived a normal exit"
refuses 51820 || fail "the guard outlived a normal exit"

echo "== thousands of destinations"
# shellcheck disable=SC2046
started $gw guard east eth0 51820 eth0 $(for i in $(seq 0 2 9998); do echo "10.$((i / 250)).$((i % 250)).0/24"; done)
at $gw nft get element inet isthmus_east destinations '{ 10.39.248.77 }' >/dev/null || fail "the last one is missing"
at $gw nft get element inet isthmus_east destinations '{ 10.39.247.77 }' >/dev/null 2>&1 && fail "a gap is closed"
stop

echo "== super frames"
transfer() { at $pod iperf3 -c 10.9.0.2 -n 50M >/dev/null; }
sees() {  # what tcpdump, an AF_PACKET reader as we are, finds during a transfer
  at $gw iperf3 -s -1 >/dev/null &
  local server=$!
  timeout 20 nsenter --net=/var/run/netns/$gw tcpdump -Z root -i eth0 -nn -p -c 1 -w /dev/null "$@" 2>"$scratch/tcpdump" &
  local watcher=$!
  for _ in $(seq 100); do grep -q "listening on" "$scratch/tcpdump" && break; sleep 0.05; done
  for _ in $(seq 100); do at $gw ss -Hltn | grep ":5201" >/dev/null && break; sleep 0.05; done
  transfer
  wait $server
  sleep 0.2
  kill $watcher 2>/dev/null || true
  wait $watcher || true
  grep -q "^1 packet captured" "$scratch/tcpdump"
}
peer_tso() { at $node ethtool -k g0 | sed -n 's/^tcp-segmentation-offload: //p'; }
own_gro() { at $gw ethtool -k eth0 | sed -n 's/^generic-receive-offload: //p'; }
has_program() { ip -n $gw -d link show eth0 | grep isthmus_pass >/dev/null; }
sees "tcp and greater 1515" || fail "no super frames without the guard: the oracle is blind"
at $gw ethtool -K eth0 gro on
started $gw super_frames eth0
[ "$(peer_tso)" = off ] || fail "the sender's TSO is $(peer_tso)"
sees "tcp and greater 1514" || fail "AF_PACKET sees nothing"
sees "tcp and greater 1515" && fail "super frames despite the guard"
stop
[ "$(peer_tso)" = on ] || fail "the sender's TSO stays $(peer_tso)"
[ "$(own_gro)" = on ] || fail "receive offload stays $(own_gro)"
started $gw super_frames eth0
crash
has_program || fail "the oracle is blind: the program did not outlive its process"
started $gw super_frames eth0
stop
has_program && fail "the program outlived a normal exit"

echo "PASS"
