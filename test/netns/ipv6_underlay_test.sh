#!/usr/bin/env bash
# Two gateways that know each other by IPv6 addresses only; the pods' packets stay IPv4.
#
#   east-pod1 --- east-gw 2001:db8::1 ====== 2001:db8::2 west-gw --- west-pod1
# shellcheck source=test/support/begin.sh
. "$(dirname "$0")/../support/begin.sh" v6 "${1:-}"
. "$support/pair.sh"

over_ipv6() {
  ip_in "$1-gw" address flush dev underlay
  add_ipv6_address "$1-gw" underlay "$2/64"
  sed -i "s|endpoint: .*|endpoint: \"[$3]:51820\"|" "$work/$1/gateway.yaml"
}
only_ipv6() { (($(captured_count "$work/underlay.pcap" 'udp and ip6') > 0 && $(captured_count "$work/underlay.pcap" 'udp and ip') == 0)); }
# tcpdump checks the UDP checksum, which IPv6 demands.
checksums_right() { ! tcpdump -nvr "$work/underlay.pcap" 'udp and ip6' 2>/dev/null | grep -i 'bad udp'; }
# ECN is a part of the traffic class: the version's four bits, then six bits of DSCP, then two of ECN.
capable() { captured_count "$work/underlay.pcap" 'udp and src host 2001:db8::1 and ip6[0:2] & 0x0030 = 0x0020'; }
# hops POD ADDRESS: who answers a traceroute, one after the other.
hops() { in_ns "$1" traceroute -n -q 1 -w 2 -m 5 "$2" | awk 'NR > 1 {print $2}' | paste -sd' '; }

add_underlay
add_cluster east 192.0.2.1 pod1=10.244.1.11
add_cluster west 192.0.2.2 pod1=10.244.2.12
pair_documents
over_ipv6 east 2001:db8::1 2001:db8::2
over_ipv6 west 2001:db8::2 2001:db8::1
capture underlay east "$work/underlay.pcap" udp
listener=$started
start_gateway east
start_gateway west
claim "both connect over IPv6" eval 'wait_for 15 connected east 1 && wait_for 15 connected west 1'
claim "the pods reach each other" wait_for 5 in_ns east-pod1 ping -q -c 1 -W 1 "$west_pod_in_east"
claim "twenty pings out of twenty" in_ns east-pod1 ping -q -c 20 -i 0.02 -W 1 "$west_pod_in_east"
claim "and back, of the largest size that fits" in_ns west-pod1 ping -q -c 5 -i 0.05 -M 'do' -s 1392 "$east_pod_in_west"
# Each names what the asking pod knows: its own gateway, the far one in the name of the address that was asked for, the
# pod itself.
claim "traceroute from the east shows both gateways and the pod" equal hops \
  "10.244.0.1 $west_pod_in_east $west_pod_in_east" "$(hops east-pod1 "$west_pod_in_east")"
claim "traceroute from the west as well" equal hops \
  "10.244.0.1 $east_pod_in_west $east_pod_in_west" "$(hops west-pod1 "$east_pod_in_west")"
claim "five pings that say ECT(0) of themselves" in_ns east-pod1 ping -q -c 5 -i 0.02 -W 1 -Q 2 "$west_pod_in_east"
stop "$listener"
claim "the underlay carried IPv6 only" only_ipv6
claim "with right checksums" checksums_right
claim "those five, and no other, said so on the underlay" equal "packets with ECT(0)" 5 "$(capable)"
claim "east's books balance" wait_for 5 books_balance east
claim "west's as well" wait_for 5 books_balance west

claims_done
