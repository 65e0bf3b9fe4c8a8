#!/usr/bin/env bash
# A peer known by its name: found when the name appears, kept while the DNS server lies or is silent, followed when it
# moves.
#
#   DNS 127.0.0.53 in east-gw
#   east-pod1 --- east-gw 192.0.2.1 ======= gw.west.example 192.0.2.2, later .22 --- west-pod1    (test/support/pair.sh)
#
# west knows no endpoint of east: only east can begin, and only by the name.
# shellcheck source=test/support/begin.sh
. "$(dirname "$0")/../support/begin.sh" name "${1:-}"
. "$support/pair.sh"
. "$support/stream.sh"

# dns_says LINE...: from now on (dns.py).
dns_says() {
  printf '%s\n' "$@" >"$work/zone.new"
  mv "$work/zone.new" "$work/zone"
}
uses() { equal endpoint "$1:51820" "$(status_of east | jq -r '.peers[0].endpoint')"; }
peers_say() {
  local text
  text=$(ctl east peers | tr -s ' \n' ' ')
  [[ $text == *"$1"* ]] || { say "$text"; return 1; }
}
logged() { equal "log lines" "$1" "$(grep -c "$2" "$work/east/log" || true)"; }
generation() { status_of east | jq .generation; }
ping_west() { in_ns east-pod1 ping -q -c 1 -W 1 "$west_pod_in_east"; }
look_up_again() { kill -HUP "$(daemon_pid east)"; }
# below MILLISECONDS COMMAND...: succeeds, and within that time.
below() {
  local started
  started=$(microseconds)
  "${@:2}" || return 1
  local took=$((($(microseconds) - started) / 1000))
  ((took < $1)) || { say "took $took ms"; return 1; }
}

add_underlay
add_cluster east 192.0.2.1 pod1=10.244.1.11
add_cluster west 192.0.2.2 pod1=10.244.2.12
pair_documents
sed -i 's/endpoint: .*/endpoint: gw.west.example:51820/' "$work/east/gateway.yaml"
sed -i '/endpoint: /d' "$work/west/gateway.yaml"
use_name_server east-gw 127.0.0.53
dns_says "other.example 192.0.2.9"
start_in east-gw "$work/dns.log" python3 "$support/dns.py" 127.0.0.53 "$work/zone"
wait_for 5 grep -q listening "$work/dns.log" || { cat "$work/dns.log" >&2; die "the DNS server does not listen"; }
start_gateway west
start_gateway east

## The name appears
claim "a name without an address is told" eventually 10 peers_say "gw.west.example:51820 is not resolved yet (Host not found"
dns_says "gw.west.example 192.0.2.2"
claim "it connects when the name appears" eventually 10 connected east 1
claim "to the address behind the name" uses 192.0.2.2
claim "the pods reach each other" eventually 5 ping_west
claim "the missing name was logged once" logged 1 "has no address"

## A DNS server that lies, and one that is silent
stream_start westward east-pod1 west-pod1 "$west_pod_in_east" 9001 500 9
dns_says "gw.west.example 127.0.0.1"
look_up_again
claim "an address that no peer can have is refused" eventually 3 peers_say "127.0.0.1 is an address of loopback"
dns_says silent
look_up_again
sleep 0.5
for question in 1 2 3; do
  claim "while a lookup hangs, isthmusd answers at once ($question)" below 1000 status_of east
done
claim "serves its metrics" below 1000 in_ns east-gw curl -fsS -o /dev/null http://127.0.0.1:8084/metrics
claim "and takes documents" below 2000 ctl east apply "$work/east/gateway.yaml"
dns_says "gw.west.example 192.0.2.2"
stream_end westward
claim "meanwhile nothing was lost" lost_nothing westward
claim "the last good address stayed in use" uses 192.0.2.2
claim "and the name has one again" eventually 15 logged 2 "has an address again"

## The far gateway moves, as a pod does: another one begins elsewhere, with the same key and without a memory
stop_gateway west
ip_in west-gw address del 192.0.2.2/24 dev underlay
ip_in west-gw address add 192.0.2.22/24 dev underlay
dns_says "gw.west.example 192.0.2.22"
start_gateway west
moved=$(microseconds)
claim "it is reached again without anybody's doing" eventually 30 ping_west
say "      $((($(microseconds) - moved) / 1000)) ms after it had moved"
claim "at the address where the name leads now" uses 192.0.2.22
claim "because the name was looked up" logged 1 "leads to another endpoint.*192.0.2.22"
claim "without a new generation" equal generation 1 "$(generation)"

## The end
dns_says silent
look_up_again
sleep 0.5
claim "isthmusd ends while a lookup hangs" below 2500 stop_gateway east

claims_done
