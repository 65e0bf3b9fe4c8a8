#!/usr/bin/env bash
# What dies comes back, and who does not carry packets may die without anybody noticing.
#
#   east-pod1 --- east-gw ======= west-gw --- west-pod1        (test/support/pair.sh)
#
# Numbered datagrams flow both ways all the time. Then east's administrator applies nonsense, east's daemon is killed,
# and east's data plane is killed.
# shellcheck source=test/support/begin.sh
. "$(dirname "$0")/../support/begin.sh" restart "${1:-}"
. "$support/pair.sh"
. "$support/stream.sh"

# start_streams SECONDS
start_streams() {
  stream_start eastward west-pod1 east-pod1 "$east_pod_in_west" 9001 500 "$1"
  stream_start westward east-pod1 west-pod1 "$west_pod_in_east" 9001 500 "$1"
}

sent_packets() { status_of east | jq '.peers[0].outbound_packets'; }
generation() { status_of east | jq .generation; }
tables() { in_ns east-gw nft list tables | wc -l; }

refused() {
  local output status=0
  output=$(ctl east apply "$work/bad.yaml" 2>&1) || status=$?
  equal "exit code" 1 "$status" || return 1
  grep -q 'peers\[0\].remote\[0\].seenAs' <<<"$output" || { say "no path in:" "$output"; return 1; }
}

pair_up

## Nonsense, and the same again
before=$(generation)
sed 's#seenAs: 10.71.0.0/16#seenAs: 10.71.0.0/20#' "$work/east/gateway.yaml" >"$work/bad.yaml"
start_streams 2
sleep 0.5
claim "a bad document is refused, with the path of its fault" refused
claim "the refused document changed nothing" equal generation "$before" "$(generation)"
claim "the document that runs is accepted again" ctl east apply "$work/east/gateway.yaml"
claim "and changes nothing" equal generation "$before" "$(generation)"
stream_end eastward westward
claim "meanwhile nothing was lost eastward" lost_nothing eastward
claim "meanwhile nothing was lost westward" lost_nothing westward

## The daemon
data_plane=$(data_plane_pid east)
start_streams 4
sleep 1
packets=$(sent_packets)
kill_hard "$(daemon_pid east)"
sleep 1
start_gateway east
claim "a new daemon answers" eventually 5 status_of east
claim "it adopted the data plane that ran" equal pid "$data_plane" "$(data_plane_pid east)"
claim "its counters went on" test "$(sent_packets)" -gt "$packets"
claim "the generation is the same" equal generation "$before" "$(generation)"
stream_end eastward westward
claim "the killed daemon cost no packet eastward" lost_nothing eastward
claim "the killed daemon cost no packet westward" lost_nothing westward

## The data plane
start_streams 5
sleep 1
kill_hard "$data_plane"
stream_end eastward westward
new_data_plane=$(data_plane_pid east)
claim "the killed data plane was started again" test "$new_data_plane" -ne "$data_plane"
claim "eastward traffic resumed after $(longest_gap eastward) s" gap_below eastward 1
claim "westward traffic resumed after $(longest_gap westward) s" gap_below westward 1
claim "the killing was felt at all" test "$(jq '.missing | length' "$work/westward.json")" -gt 0
claim "it runs the last good document" connected east 1
claim "its table in nftables replaced the dead one's" equal tables 1 "$(tables)"
claim "the books balance" eventually 3 books_balance east

claims_done
