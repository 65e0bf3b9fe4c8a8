#!/usr/bin/env bash
# Two gateways joined by a port without a kernel: shared memory (memif), where the data plane has its own addresses and
# answers and asks ARP itself.
#
#   east-pod1 --- east-gw 192.0.2.1 ==memif== 192.0.2.2 west-gw --- west-pod1
# shellcheck source=test/support/begin.sh
. "$(dirname "$0")/../support/begin.sh" memif "${1:-}"
. "$support/pair.sh"

over_memif() {
  sed -i "s|underlay: {interface: underlay}|underlay: {device: \"net_memif0,role=$2,socket=$work/memif.sock,socket-abstract=no\", addresses: [$3/24]}|" \
    "$work/$1/gateway.yaml"
}
port_is_ours() { status_of "$1" | jq -e '.ports[1] | .kernel == false and .addresses == ["'"$2"'/24"]'; }

add_underlay
add_cluster east 198.51.100.1 pod1=10.244.1.11
add_cluster west 198.51.100.2 pod1=10.244.2.12
pair_documents
over_memif east server 192.0.2.1
over_memif west client 192.0.2.2
start_gateway east
start_gateway west
claim "both connect over memif" eval 'wait_for 15 connected east 1 && wait_for 15 connected west 1'
claim "the underlay port has no kernel" port_is_ours east 192.0.2.1
claim "twenty pings out of twenty" in_ns east-pod1 ping -q -c 20 -i 0.02 -W 1 "$west_pod_in_east"
claim "and back" in_ns west-pod1 ping -q -c 20 -i 0.02 -W 1 "$east_pod_in_west"
claim "a ping of 3000 bytes" in_ns east-pod1 ping -q -c 3 -i 0.1 -s 3000 "$west_pod_in_east"
claim "east's books balance" wait_for 5 books_balance east
claim "west's books balance" wait_for 5 books_balance west

claims_done
