#!/usr/bin/env bash
# Frames that no honest machine sends, at both ports of a gateway, while honest traffic flows.
#
#   east-pod1 --- east-gw ======= west-gw --- west-pod1        (test/support/pair.sh)
#       |            ^      ^
#       +-- throws --+      +-- the switch's port towards east-gw throws as well, and has read a real message before
#
# Each reason is counted exactly as often as it was given, nothing else is counted, and nothing honest is lost.
# shellcheck source=test/support/begin.sh
. "$(dirname "$0")/../support/begin.sh" hostile "${1:-}"
. "$support/pair.sh"
. "$support/stream.sh"

mac_of() { ip_in east-gw -json link show dev "$1" | jq -r '.[0].address'; }
throw_from_cluster() {
  in_ns east-pod1 python3 "$support/hostile.py" cluster eth0 "$(mac_of cluster)" 10.244.1.11 "$west_pod_in_east" "$@"
}
throw_from_underlay() {
  in_ns underlay python3 "$support/hostile.py" underlay east "$(mac_of underlay)" 192.0.2.2 192.0.2.1 "$@"
}

# counted DIRECTION [BEFORE]: "reason count" lines, as hostile.py prints them; what was counted since the status BEFORE.
counted() {
  jq -n -r --arg direction "$1" --slurpfile before "${2:-/dev/null}" --slurpfile now <(status_of east) '
    def sums: [.drops[]? | select(.direction == $direction)] | group_by(.reason)
      | map({key: .[0].reason, value: (map(.packets) | add)}) | from_entries;
    ($before[0] // {} | sums) as $earlier | $now[0] | sums | to_entries[]
    | .value -= ($earlier[.key] // 0) | select(.value != 0) | "\(.key) \(.value)"' | sort
}
# as_thrown DIRECTION FILE
as_thrown() { diff "$2" <(counted "$1" "$work/before"); }
# Both gateways began a handshake as they started: when their initiations crossed, one answer came unawaited.
nothing_but_crossed_handshakes() { test -z "$(counted inbound | grep -v '^handshake_unawaited [12]$')"; }

pair_up
data_plane=$(data_plane_pid east)
claim "before, nothing is counted outbound" equal drops "" "$(counted outbound)"
claim "before, nothing is counted inbound but a crossed handshake" nothing_but_crossed_handshakes
status_of east >"$work/before"

stream_start eastward west-pod1 east-pod1 "$east_pod_in_west" 9001 200 12
stream_start westward east-pod1 west-pod1 "$west_pod_in_east" 9001 200 12

throw_from_cluster table >"$work/outbound"
throw_from_underlay table >"$work/inbound"
sleep 0.5
claim "at the cluster port: $(paste -sd, "$work/outbound")" as_thrown outbound "$work/outbound"
claim "at the underlay port: $(paste -sd, "$work/inbound")" as_thrown inbound "$work/inbound"
claim "the books balance" eventually 3 books_balance east

seed=${SEED:-$RANDOM}
claim "10 000 mutated frames at the cluster port, seed $seed" throw_from_cluster mutate 10000 "$seed"
claim "10 000 mutated frames at the underlay port, seed $seed" throw_from_underlay mutate 10000 "$seed"
claim "more forged handshakes were refused" test "$(drops east handshake_mac1_wrong)" -gt 5
claim "the data plane is the one that was started" equal pid "$data_plane" "$(data_plane_pid east)"
claim "the books balance" eventually 3 books_balance east

stream_end eastward westward
claim "nothing honest was lost eastward" lost_nothing eastward
claim "nothing honest was lost westward" lost_nothing westward
claim "a new connection works" in_ns east-pod1 ping -q -c 2 -i 0.1 -W 1 "$west_pod_in_east"

claims_done
