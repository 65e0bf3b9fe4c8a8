#!/usr/bin/env bash
# What a gateway says of loss, duplicates and reordering is what the link really did, message by message, though the
# sessions are replaced meanwhile.
#
#   east-pod1 --- east-gw ==== lossy_link.py in "underlay" ==== west-gw --- west-pod1        (test/support/pair.sh)
#                   192.0.2.1    192.0.2.9:5001   :5002     192.0.2.2
#
# In the middle east gets a new key. By then the link lets nothing more with content through on the old sessions, so
# that their last messages are all lost: only their farewells can tell.
# shellcheck source=test/support/begin.sh
. "$(dirname "$0")/../support/begin.sh" loss "${1:-}"
. "$support/pair.sh"
. "$support/stream.sh"

east_endpoint=192.0.2.9:5002
west_endpoint=192.0.2.9:5001

link_says() { [[ $(tail -n 1 "$work/link.log") == "$1" ]]; }
# link_becomes MODE: the next one of the link's.
link_becomes() {
  kill -USR1 "$link"
  wait_for 3 link_says "$1" || die "the link does not become $1"
}

# counted NAME: what this gateway says of the messages to it.
counted() {
  status_of "$1" | jq -c '.peers[0] | {lost: .lost_packets, duplicate: .duplicate_packets, reordered: .reordered_packets}'
}
# happened SIDE: what the link did to the messages to it.
happened() { jq -c ".$1 | {lost, duplicate, reordered}" "$work/link.json"; }
agrees() { equal "$1" "$(happened "$2")" "$(counted "$1")"; }

metric() { in_ns east-gw curl -sS --max-time 3 http://127.0.0.1:8084/metrics | awk -v series="$1" '$1 == series {print $2}'; }
metric_agrees() {
  equal "isthmus_peer_$1_packets_total" "$(jq ".a.$1" "$work/link.json")" \
    "$(metric "isthmus_peer_$1_packets_total{cluster_id=\"west\",direction=\"inbound\"}")"
}

# missed STREAM SIDE: the pods missed as many packets as the link lost of the messages to that side.
missed() {
  equal "$1" "$(jq ".$2.lost" "$work/link.json")" \
    $(($(cat "$work/$1.sent") - $(jq '.received' "$work/$1.json")))
}

new_key_for_east() {
  make_keys east
  sed -i "s#publicKey: .*#publicKey: $(public_key east)#" "$work/west/gateway.yaml"
  ctl east apply "$work/east/gateway.yaml" >/dev/null
  ctl west apply "$work/west/gateway.yaml" >/dev/null
}
rotated() { status_of west | jq -e --arg key "$(public_key east)" '.peers[0] | .public_key == $key and (.rotating | not)'; }

pair_network
ip_in underlay address add 192.0.2.9/24 dev underlay
seed=${SEED:-$RANDOM}
start_in underlay "$work/link.log" python3 "$support/lossy_link.py" "$work/link.json" "$seed" 192.0.2.9 \
  5001 192.0.2.1:51820 5002 192.0.2.2:51820
link=$started
wait_for 5 link_says ready || die "the link is not ready"
pair_start

link_becomes lossy
stream_start eastward west-pod1 east-pod1 "$east_pod_in_west" 9001 500 7
stream_start westward east-pod1 west-pod1 "$west_pod_in_east" 9001 500 7
sleep 3
link_becomes cut
sleep 0.2
new_key_for_east
claim "the pair has other keys" eventually 5 rotated
stream_end eastward westward
link_becomes perfect
# What follows a gap makes it one.
claim "the pair forwards" in_ns east-pod1 ping -q -c 3 -i 0.1 -W 1 "$west_pod_in_east"

kill "$link"
wait_for 3 gone "$link" || die "the link does not end"
claim "the link lost messages to east: $(jq -c .a "$work/link.json"), seed $seed" jq -e '.a.lost > 80' "$work/link.json"
claim "and to west: $(jq -c .b "$work/link.json")" jq -e '.b.lost > 80' "$work/link.json"
claim "of both sessions, and the last of the first one" \
  jq -e 'all(.a, .b; .lost_with_session > 50 and .lost > .lost_with_session)' "$work/link.json"
claim "it doubled and reordered some" jq -e 'all(.a, .b; .duplicate > 10 and .reordered > 10)' "$work/link.json"
claim "east counted exactly that" eventually 5 agrees east a
claim "west counted exactly that" eventually 5 agrees west b
claim "the pods in east missed as many" missed eastward a
claim "the pods in west missed as many" missed westward b
for kind in lost duplicate reordered; do
  claim "isthmus_peer_${kind}_packets_total tells it" eventually 5 metric_agrees "$kind"
done
claim "every duplicate was refused" equal replayed "$(jq .a.duplicate "$work/link.json")" "$(drops east replayed)"
claim "isthmusctl peers shows a loss" sh -c "grep -qw '$(jq .a.lost "$work/link.json")' <<X
$(ctl east peers)
X"

claims_done
