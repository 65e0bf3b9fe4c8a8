#!/usr/bin/env bash
# The kernel's own WireGuard as the peer: what test/support/foreign_peers.sh tells, with one machine that has an
# interface for each of the eight peers. It is a router, as our gateway is: behind it is a host that has all their
# addresses.
#
#   east-pod1 --- east-gw 192.0.2.1 ====== 192.0.2.10, then 192.0.2.20  the guest  10.244.200.1 --- host 10.244.200.2
#                         2001:db8::1      2001:db8::10, then 2001:db8::20  wg1 ... wg8              10.244.100.1 ... 8
# shellcheck source=test/support/begin.sh
. "$(dirname "$0")/../support/begin.sh" kernel-peer "${1:-}"
. "$support/stream.sh"
. "$support/foreign_peers.sh"
. "$support/kernel_peer/guest.sh"

[[ -c /dev/net/tun ]] || { say "SKIPPED: no /dev/net/tun"; exit 77; }
guest_build

host_of() { printf 'host'; }
device() { printf 'wg%s' "${number[$1]}"; }
port() { printf '5182%s' "${number[$1]}"; }
wg_show() { in_guest wg show "$(device "$1")" "$2"; }

# endpoint PEER home|away
endpoint() {
  local last=10 network='192.0.2.%s'
  if [[ $2 == away ]]; then last=20; fi
  if [[ $1 == *6* ]]; then network='[2001:db8::%s]'; fi
  # shellcheck disable=SC2059
  printf "$network:%s" "$last" "$(port "$1")"
}

add_peer() {
  local device arguments=()
  device=$(device "$1")
  if [[ $1 == *psk ]]; then
    in_guest "echo $(cat "$work/east/$1.psk") >/tmp/psk"
    arguments+=(preshared-key /tmp/psk)
  fi
  # Only who is to initiate knows where the other is.
  if [[ $1 == asks* ]]; then arguments+=(endpoint "$(our_endpoint "$1")"); fi
  in_guest ip link add "$device" type wireguard
  in_guest "echo $(cat "$work/$1/private.key") >/tmp/key"
  in_guest wg set "$device" listen-port "$(port "$1")" private-key /tmp/key \
    peer "$(public_key east)" allowed-ips "$(cluster_for "$1")" "${arguments[@]}"
  in_guest ip link set "$device" mtu 1420 up
  in_guest ip route add "$(cluster_for "$1")" dev "$device"
}

restart_peer() {
  in_guest ip link del "$(device "$1")"
  add_peer "$1"
}

# The new address has a network of its own length: so it is not secondary to the old one, and does not go with it.
move_peers() {
  in_guest "ip address add 192.0.2.20/25 dev underlay; ip address add 2001:db8::20/65 dev underlay;" \
    "ip address del 192.0.2.10/24 dev underlay; ip address del 2001:db8::10/64 dev underlay"
}

# The guest does not route what comes by the underlay: to it, an address that is not its own is an error.
strays() {
  in_guest cat /proc/net/snmp /proc/net/snmp6 | awk '
    $1 == "Ip:" && !field {for (i = 2; i <= NF; ++i) if ($i == "InAddrErrors") field = i; next}
    $1 == "Ip:" || $1 == "Ip6InAddrErrors" {sum += $1 == "Ip:" ? $field : $2}
    END {print sum}'
}

add_guest() {
  add_bridge underlay behind
  ip_in underlay tuntap add guest mode tap
  ip_in underlay tuntap add guest-behind mode tap
  ip_in underlay link set guest master underlay up
  ip_in underlay link set guest-behind master behind up
  guest_start underlay guest guest-behind
  in_guest ip address add 192.0.2.10/24 dev underlay
  in_guest ip address add 2001:db8::10/64 dev underlay
  in_guest ip address add 10.244.200.1/24 dev cluster
  in_guest ip route add 10.244.100.0/24 via 10.244.200.2
}

add_host() {
  local peer
  add_namespace host
  add_link host eth0 underlay host
  ip_in underlay link set host master behind
  ip_in host address add 10.244.200.2/24 dev eth0
  for peer in "${peers[@]}"; do
    ip_in host address add "$(in_tunnel "$peer")/32" dev eth0
    ip_in host route add "$(cluster_for "$peer")" via 10.244.200.1 src "$(in_tunnel "$peer")"
  done
}

add_east
add_guest
add_host
for peer in "${peers[@]}"; do add_peer "$peer"; done
start_east
live_through_everything

claims_done
