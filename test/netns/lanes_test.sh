#!/usr/bin/env bash
# A peer with four lanes: WireGuard sessions on UDP port pairs of their own.
#
#   east-pod1 --- east-gw 51820 =====lane 0===== 7100 west-gw --- west-pod1     (test/support/pair.sh)
#                         51821 =====lane 1===== 7101
#                         51822 =====lane 2===== 7105
#                         51823 =====lane 3===== 7103
#
#   and beside it  "many", a host with two WireGuard interfaces of wireguard-go's with one key on two ports, as a
#   gateway of Liqo's with several ports is: to each of the interfaces east is an ordinary WireGuard peer
#
# Numbered datagrams of many flows cross it. Then the path of one lane is cut, and mended.
# shellcheck source=test/support/begin.sh
. "$(dirname "$0")/../support/begin.sh" lanes "${1:-}"
. "$support/pair.sh"
. "$support/stream.sh"

[[ -c /dev/net/tun ]] || { say "SKIPPED: no /dev/net/tun"; exit 77; }

lane_documents() {
  make_keys many
  sed -i 's#endpoint: 192.0.2.2:51820#endpoint: 192.0.2.2:7100\n    endpointPorts: [7100, 7101, 7105, 7103]\n    lanes: 4#' "$work/east/gateway.yaml"
  cat >>"$work/east/gateway.yaml" <<YAML
  - name: many
    publicKey: $(public_key many)
    endpoint: 192.0.2.9:51820
    lanes: 2
    remote: [{real: 10.9.0.0/16, seenAs: 10.90.0.0/16}]
YAML
  sed -i 's#endpoint: 192.0.2.1:51820#endpoint: 192.0.2.1:51820\n    lanes: 4#; s#^peers:#tunnel: {listenPorts: [7100, 7101, 7105, 7103]}\npeers:#' "$work/west/gateway.yaml"
}

# The host with two interfaces. It answers on both with one address, and leaves on either as its routes say.
add_many() {
  local number device
  add_namespace many
  add_link many underlay underlay many
  ip_in underlay link set many master underlay
  ip_in many address add 192.0.2.9/24 dev underlay
  ip_in many address add 10.9.0.1/32 dev lo
  in_ns many sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
  for number in 0 1; do
    device=isthmus-many$number
    start_in many "$work/many/log" wireguard-go --foreground "$device"
    wait_for 5 in_ns many wg show "$device" || die "wireguard-go did not start"
    in_ns many wg set "$device" listen-port $((51820 + number)) private-key "$work/many/private.key" \
      peer "$(public_key east)" allowed-ips 10.244.0.0/16
    ip_in many link set "$device" mtu 1420 up
  done
  ip_in many route add 10.244.0.0/16 dev isthmus-many0
}

lanes_of() { status_of "$1" | jq -r --arg peer "$2" '[.peers[] | select(.name == $peer) | .lanes[] | if .usable then "up" else "out" end] | join(" ")'; }
lanes_are() { equal "lanes of $1" "$3" "$(lanes_of "$1" "$2")"; }
endpoints() { status_of east | jq -r '[.peers[] | select(.name == "west") | .lanes[] | "\(.listen_port)-\(.endpoint)"] | join(" ")'; }

# packets_on PORT: data messages that east received at that port since the last zeroing.
count_ports() {
  in_ns west-gw nft -f - <<NFT
table netdev lanes {
  chain in { type filter hook ingress device underlay priority -500;
    udp dport 7100 udp length > 60 counter
    udp dport 7101 udp length > 60 counter
    udp dport 7105 udp length > 60 counter
    udp dport 7103 udp length > 60 counter
  }
}
NFT
}
packets() { in_ns west-gw nft -j list table netdev lanes | jq -r '[.nftables[].rule? | select(.) | .expr[] | .counter? | select(.) | .packets] | join(" ")'; }
every_lane_carries() { packets | awk '{for (i = 1; i <= 4; ++i) if ($i == 0) {print "packets by lane: " $0; exit 1}}'; }

# Sixteen flows, which the hash spreads over the lanes.
flows=({1..16})
start_flows() {
  local flow
  for flow in "${flows[@]}"; do stream_start "flow$flow" east-pod1 west-pod1 "$west_pod_in_east" $((9000 + flow)) 25 "$1"; done
}
end_flows() { stream_end "${flows[@]/#/flow}"; }
flows_lost() {
  local flow
  for flow in "${flows[@]}"; do jq '.missing | length' "$work/flow$flow.json"; done | awk '{sum += $1 > 0} END {print sum}'
}
flows_lost_nothing() { equal "flows that lost packets" 0 "$(flows_lost)"; }

add_underlay
add_cluster east 192.0.2.1 pod1=10.244.1.11
add_cluster west 192.0.2.2 pod1=10.244.2.12
pair_documents
lane_documents
add_many
start_gateway east
start_gateway west
claim "all four lanes come up" eventually 15 lanes_are east west "up up up up"
claim "from the other side too" eventually 5 lanes_are west east "up up up up"
claim "each on its pair of ports" equal endpoints \
  "51820-192.0.2.2:7100 51821-192.0.2.2:7101 51822-192.0.2.2:7105 51823-192.0.2.2:7103" "$(endpoints)"
claim "two interfaces of wireguard-go's with one key are two lanes" eventually 15 lanes_are east many "up up"
wait_for 5 in_ns east-pod1 ping -q -c 1 -W 1 "$west_pod_in_east" || die "the pair does not forward"

## All lanes carry
count_ports
start_flows 3
end_flows
claim "no flow lost a packet" flows_lost_nothing
claim "every lane carried some" every_lane_carries
for port in 4001 4002 4003 4004 4005 4006; do
  in_ns east-pod1 timeout 0.5 nc -u -p $port 10.90.0.1 9 <<<"$(printf '%0900d' $port)" || true
done
both_received() { test "$(in_ns many wg show all transfer | awk '$1 ~ /isthmus-many/ && $3 > 900' | wc -l)" = 2; }
claim "both of wireguard-go's interfaces received" eventually 3 both_received
claim "and answer" in_ns east-pod1 ping -q -c 2 -i 0.2 -W 1 10.90.0.1

## One lane's path is cut, both ways
in_ns underlay nft 'add table bridge cut; add chain bridge cut forward { type filter hook forward priority 0; }'
in_ns underlay nft 'add rule bridge cut forward udp sport 7101 drop; add rule bridge cut forward udp dport 7101 drop'
start_flows 32
claim "the lane is taken out" eventually 30 lanes_are east west "up out up up"
end_flows
claim "its flows felt it" test "$(flows_lost)" -gt 0
claim "the others did not" test "$(flows_lost)" -lt ${#flows[@]}
start_flows 3
end_flows
claim "now no flow loses anything" flows_lost_nothing

## Mended
in_ns underlay nft delete table bridge cut
claim "the lane is back" eventually 15 lanes_are east west "up up up up"
start_flows 2
end_flows
claim "and no flow loses anything" flows_lost_nothing

claim "the books balance" eventually 3 books_balance east
claims_done
