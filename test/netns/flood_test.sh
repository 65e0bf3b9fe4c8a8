#!/usr/bin/env bash
# Bogus handshake initiations at one gateway, 200 000 a second, while it has a peer and while newcomers ask to be let in.
#
#   east-pod1 --- east-gw 192.0.2.1 ======+====== 192.0.2.2 west-gw --- west-pod1      (test/support/pair.sh)
#                                         +------ 192.0.2.9 flooder
#                                         +------ 192.0.2.11 to .14  new1 to new4: wireguard-go
#
# Four floods: from somebody who does not know our public key; from one address that does; from an invented address each
# time; in the name of the newcomer. During each a newcomer that was never heard before asks for its first session.
# shellcheck source=test/support/begin.sh
. "$(dirname "$0")/../support/begin.sh" flood "${1:-}"
. "$support/pair.sh"
. "$support/stream.sh"

[[ -c /dev/net/tun ]] || { say "SKIPPED: no /dev/net/tun"; exit 77; }

per_second=200000
newcomers=(new1 new2 new3 new4)
address_of() { printf '192.0.2.1%s' "${1#new}"; }

# In the tunnel newN is 10.244.100.N; east's cluster sees it as 10.51.0.N and shows itself as 10.60.0.0/16.
add_newcomer() {
  local number=${1#new}
  make_keys "$1"
  add_namespace "$1"
  add_link "$1" underlay underlay "$1"
  ip_in underlay link set "$1" master underlay
  ip_in "$1" address add "$(address_of "$1")/24" dev underlay
  cat >>"$work/east/gateway.yaml" <<YAML
  - name: $1
    publicKey: $(public_key "$1")
    remote: [{real: 10.244.100.$number/32, seenAs: 10.51.0.$number/32}]
    local: [{real: 10.244.0.0/16, seenAs: 10.60.0.0/16}]
YAML
}
device_of() { printf 'isth-flood-%s' "$1"; }
start_newcomer() {
  local device
  device=$(device_of "$1")
  start_in "$1" "$work/$1/log" wireguard-go --foreground "$device"
  wait_for 5 in_ns "$1" wg show "$device" || die "wireguard-go did not start in $1"
  in_ns "$1" wg set "$device" listen-port 51820 private-key "$work/$1/private.key" \
    peer "$(public_key east)" allowed-ips 10.60.0.0/16 endpoint 192.0.2.1:51820
  ip_in "$1" address add "10.244.100.${1#new}/32" dev "$device"
  ip_in "$1" link set "$device" mtu 1420 up
  ip_in "$1" route add 10.60.0.0/16 dev "$device"
}
# It asks as soon as it has something to send.
let_ask() { start_in "$1" "$work/$1/ping" ping -q -i 0.2 10.60.1.11; }
is_in() { in_ns "$1" wg show "$(device_of "$1")" latest-handshakes | awk '{exit !($2 > 0)}'; }
gets_in_meanwhile() { wait_for 20 is_in "$1" && alive "$flooder"; }

# What forwards goes before everything else, as nearly as nice can say it: a gateway has a core for it. Otherwise this would
# be a test of how two cores are shared by two gateways, a flooder and whatever else runs here.
give_core() {
  local thread
  for thread in /proc/"$(data_plane_pid "$1")"/task/*; do
    if [[ $(<"$thread/comm") == worker* ]]; then renice -n -15 -p "${thread##*/}" >/dev/null; fi
  done
}

# Frames that found a receive ring full: six programs share two cores here, and a worker may have to wait for its turn
# longer than its ring lasts.
missed() {
  local gateway
  for gateway in east west; do status_of "$gateway"; done | jq -s '[.[].ports[].missed] | add'
}
# What reached a worker has not been lost. Of what did not, the streams have their share, and in bunches: so twice that share
# and a few packets more. When no frame was missed, nothing is lost.
lost_nothing_that_was_seen() {
  local sent frames missed allowed=0
  sent=$(cat "$work/$1.sent")
  missed=$(missed)
  frames=$(received)
  if ((missed > 0)); then allowed=$((8 + 2 * sent * missed / frames)); fi
  jq -e --argjson least $((sent - allowed)) '.duplicates == 0 and .received >= $least' "$work/$1.json" >/dev/null ||
    { stream_report "$1"; return 1; }
}

received() { status_of east | jq '.walks[] | select(.direction == "inbound") | .received'; }

# flood_with NEWCOMER KEY SOURCE REASON: a flood, the newcomer in the middle of it, and what has to be counted.
flood_with() {
  local before reached sent seconds counted
  before=$(received)
  counted=$(drops east "$4")
  start_in flooder "$work/flooder" "$build/test/flooder" underlay "$east_mac" 192.0.2.1 "$2" "$3" "$per_second" 25
  flooder=$started
  sleep 1
  local asked=$EPOCHSECONDS
  let_ask "$1"
  claim "$1 gets in meanwhile" gets_in_meanwhile "$1"
  say "      after $((EPOCHSECONDS - asked)) s"
  sleep 2
  stop "$flooder"
  read -r sent seconds < <(tail -n 1 "$work/flooder")
  sleep 0.3
  reached=$(($(received) - before))
  counted=$(($(drops east "$4") - counted))
  say "      $(awk -v s="$sent" -v t="$seconds" 'BEGIN {printf "%d a second for %.1f s", s / t, t}'): $sent sent, \
$reached reached the gateway, $counted counted as $4"
  claim "the flood was one: 50 000 a second died so" awk -v n="$counted" -v t="$seconds" 'BEGIN {exit !(n / t > 50000)}'
}

add_underlay
add_cluster east 192.0.2.1 pod1=10.244.1.11
add_cluster west 192.0.2.2 pod1=10.244.2.12
pair_documents
for name in "${newcomers[@]}"; do add_newcomer "$name"; done
add_namespace flooder
add_link flooder underlay underlay flooder
ip_in underlay link set flooder master underlay
start_gateway east
start_gateway west
wait_for 15 connected east 1 || die "east did not connect"
wait_for 5 in_ns east-pod1 ping -q -c 1 -W 1 "$west_pod_in_east" || die "the pair does not forward"
give_core east
give_core west
east_mac=$(ip_in east-gw -json link show dev underlay | jq -r '.[0].address')

for name in "${newcomers[@]}"; do start_newcomer "$name"; done

stream_start eastward west-pod1 east-pod1 "$east_pod_in_west" 9001 200 40
stream_start westward east-pod1 west-pod1 "$west_pod_in_east" 9001 200 40

say "a flood of those who do not know our key"
flood_with new1 wrong invented handshake_mac1_wrong
say "a flood of one who does"
flood_with new2 "$(public_key east)" 192.0.2.9 handshake_unproven
say "a flood from invented addresses"
flood_with new3 "$(public_key east)" invented handshake_unproven
say "a flood in the newcomer's name"
flood_with new4 "$(public_key east)" "$(address_of new4)" handshake_unproven

stream_end eastward westward
say "      $(missed) frames found a receive ring full"
claim "nothing that a worker saw was lost eastward" lost_nothing_that_was_seen eastward
claim "nothing that a worker saw was lost westward" lost_nothing_that_was_seen westward
claim "the books balance" eventually 3 books_balance east
say "      $(status_of east | jq -c '[.drops[] | {(.reason): .packets}] | add')"

claims_done
