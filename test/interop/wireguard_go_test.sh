#!/usr/bin/env bash
# wireguard-go, which we did not write, as the peer: what test/support/foreign_peers.sh tells, with a namespace and a
# process for each of the eight peers.
#
#                                            +---- 192.0.2.1N, then 192.0.2.2N        peer N
#   east-pod1 --- east-gw 192.0.2.1 =========+
#                         2001:db8::1        +---- 2001:db8::1N, then 2001:db8::2N    peer M
# shellcheck source=test/support/begin.sh
. "$(dirname "$0")/../support/begin.sh" wireguard-go "${1:-}"
. "$support/stream.sh"
. "$support/foreign_peers.sh"

[[ -c /dev/net/tun ]] || { say "SKIPPED: no /dev/net/tun"; exit 77; }

declare -A wireguard_go
host_of() { printf '%s' "$1"; }
# Its control socket is named after the interface, in a directory that all namespaces share: so each a name of its own.
device() { printf 'isthmus%s' "${number[$1]}"; }
wg_show() { in_ns "$1" wg show "$(device "$1")" "$2"; }

# address PEER home|away
address() {
  local last=1${number[$1]}
  if [[ $2 == away ]]; then last=2${number[$1]}; fi
  if [[ $1 == *6* ]]; then printf '2001:db8::%s' "$last"; else printf '192.0.2.%s' "$last"; fi
}
endpoint() {
  if [[ $1 == *6* ]]; then printf '[%s]:51820' "$(address "$@")"; else printf '%s:51820' "$(address "$@")"; fi
}

start_wireguard_go() {
  local device arguments=()
  device=$(device "$1")
  start_in "$1" "$work/$1/log" wireguard-go --foreground "$device"
  wireguard_go[$1]=$started
  # Not by asking: `wg` removes a socket at which nobody listens yet.
  wait_for 5 in_ns "$1" sh -c "ss -Hxl | grep -q '/$device.sock'" || die "wireguard-go did not start in $1"
  if [[ $1 == *psk ]]; then arguments+=(preshared-key "$work/east/$1.psk"); fi
  # Only who is to initiate knows where the other is.
  if [[ $1 == asks* ]]; then arguments+=(endpoint "$(our_endpoint "$1")"); fi
  in_ns "$1" wg set "$device" listen-port 51820 private-key "$work/$1/private.key" \
    peer "$(public_key east)" allowed-ips "$(cluster_for "$1")" "${arguments[@]}"
  ip_in "$1" address add "$(in_tunnel "$1")/32" dev "$device"
  ip_in "$1" link set "$device" mtu 1420 up
  ip_in "$1" route add "$(cluster_for "$1")" dev "$device"
}

add_address() {
  if [[ $1 == *6* ]]; then add_ipv6_address "$1" underlay "$2/64"; else ip_in "$1" address add "$2/24" dev underlay; fi
}

add_peer() {
  add_namespace "$1"
  add_link "$1" underlay underlay "$1"
  ip_in underlay link set "$1" master underlay
  add_address "$1" "$(address "$1" home)"
  start_wireguard_go "$1"
}

restart_peer() {
  kill_hard "${wireguard_go[$1]}"
  wait_for 3 eval "! ip_in $1 link show $(device "$1")"
  start_wireguard_go "$1"
}

# As when the NAT in front of it gets another address: wireguard-go itself has no part in it, for whether it gets away
# from an address that it does not have any more depends on the kernel.
move_peer() {
  local ip=ip home away
  if [[ $1 == *6* ]]; then ip=ip6; fi
  home=$(address "$1" home)
  away=$(address "$1" away)
  add_address "$1" "$away"
  in_ns "$1" nft -f - <<NFT
table inet roaming {
  counter strays {}
  chain from_wireguard {
    type filter hook postrouting priority 0;
    $ip saddr $home udp sport 51820 $ip saddr set $away
  }
  chain to_wireguard {
    type filter hook prerouting priority 0;
    $ip daddr $home udp dport 51820 counter name strays drop
    $ip daddr $away udp dport 51820 $ip daddr set $home
  }
}
NFT
}
move_peers() {
  local peer
  for peer in "${peers[@]}"; do move_peer "$peer"; done
}
strays() {
  local peer
  for peer in "${peers[@]}"; do in_ns "$peer" nft list counter inet roaming strays; done |
    awk '$1 == "packets" {sum += $2} END {print sum}'
}

add_east
for peer in "${peers[@]}"; do add_peer "$peer"; done
start_east
live_through_everything

claims_done
