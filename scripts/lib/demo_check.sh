# shellcheck shell=bash
# Every claim that the demo makes, each proven on the pilot. Sourced after pilot.sh, capture.sh and claims.sh.

secret="the pods' own words, $$"  # must never be seen on the underlay

pings() {
  local output
  output=$(in_ns "$1" ping -q -c 3 -i 0.05 -W 2 "${@:2}") || { say "$output"; return 1; }
  # A kernel that forwards its own copy makes two answers of one.
  ! grep -E 'duplicates|errors' <<<"$output"
}

# answers KIND FROM_POD ADDRESS SEEN_AS: the echo came back, and the far side saw us as that.
answers() { equal "$1 answer" "$4 $secret" "$(in_ns "$2" python3 "$lib/echo.py" ask "$1" "$3" 7 "$secret")"; }

# reaches FROM FROM_POD TO TO_POD
reaches() {
  local pod=$1-$2 address seen
  address=$(view "$1" "$3" "$4")
  seen=$(view "$3" "$1" "$2")
  pings "$pod" "$address" || { say "ping failed"; return 1; }
  answers tcp "$pod" "$address" "$seen" || return 1
  answers udp "$pod" "$address" "$seen" || return 1
  equal "curl" "hello from $3-$4" "$(in_ns "$pod" curl -sS --max-time 3 "http://$address/")"
}

# The address whose mapping nobody offered: it must not answer, and one counter must say why, for each packet.
dies() {
  local pod=$1 address=$2 gateway=$3 reason=$4 before after
  before=$(drops "$gateway" "$reason")
  if in_ns "$pod" ping -q -c 3 -i 0.05 -W 1 "$address" >/dev/null; then
    say "$address answers"
    return 1
  fi
  after=$(drops "$gateway" "$reason")
  equal "$reason at $gateway, $before before" $((before + 3)) "$after"
}

# iperf FROM_POD ADDRESS ARGUMENT...: both ways at once for two seconds, at more than 1 Mbit/s each.
iperf() {
  local result=$work/iperf.json
  in_ns "$1" iperf3 --client "$2" --time 2 --bidir --json "${@:3}" >"$result" || { jq -r .error "$result"; return 1; }
  # TCP's sums have no losses. UDP is sent at a rate that two cores carry, so hardly any may be lost.
  jq -e 'all(.end.sum_received, .end.sum_received_bidir_reverse;
             .bits_per_second > 1e6 and (.lost_percent // 0) < 2)' "$result" >/dev/null ||
    { jq -c '.end | {sum_received, sum_received_bidir_reverse}' "$result"; return 1; }
}

path_mtu_is_told() {
  local output
  output=$(in_ns "$1" ping -c 2 -i 0.2 -W 1 -M "do" -s 1450 "$2" 2>&1) || true
  grep -q 'From 10.244.0.1 .*Frag needed.*mtu = 1420' <<<"$output" || { say "$output"; return 1; }
}

# hops FROM TO TO_POD: pod1's own gateway, the far one in the name of the pod, the pod. By echo requests, because nobody
# shall have to complain about a port here.
hops() {
  local address
  address=$(view "$1" "$2" "$3")
  equal hops "10.244.0.1 $address $address" \
    "$(in_ns "$1-pod1" traceroute -I -n -q 1 -w 2 -m 5 "$address" | awk 'NR > 1 {print $2}' | paste -sd' ')"
}

metrics_are_sound() { in_ns "$1-gw" curl -sS --max-time 3 http://127.0.0.1:8084/metrics | promtool check metrics; }
metric() { in_ns "$1-gw" curl -sS --max-time 3 http://127.0.0.1:8084/metrics | awk -v series="$2" '$1 == series {print $2}'; }
health_is() { equal "$2" 200 "$(in_ns "$1-gw" curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:8084/$2")"; }
metrics_agree() {
  local received shown
  received=$(status_of "$1" | jq --arg peer "$2" '.peers[] | select(.name == $peer) | .inbound_packets')
  shown=$(metric "$1" "liqo_peer_is_connected{driver=\"wireguard\",cluster_id=\"$2\"}")
  equal liqo_peer_is_connected 1 "$shown" && ((received > 0))
}

# captured_nothing FILE: the capture's filter let only offenders in.
captured_nothing() {
  local packets
  packets=$(captured "$1")
  equal "packets" "" "$packets"
}
secret_only_in_pods() {
  grep -qaF "$secret" "$work/pods.pcap" || { say "not even in the pod's own capture: the capture is worthless"; return 1; }
  ! grep -qaF "$secret" "$work/underlay.pcap"
}

no_table_left() { ! in_ns "$1-gw" nft list ruleset | grep .; }
no_process_left() {
  local pids
  pids=$(ip netns pids "$(namespace "$1-gw")")
  # shellcheck disable=SC2086
  [[ -z $pids ]] || { ps -o pid,args -p ${pids//$'\n'/,}; return 1; }
}

check_traffic() {
  local from to pods=(pod1 pod2) i j pair
  for pair in "crownlabs netlab" "netlab crownlabs" "crownlabs topix" "topix crownlabs"; do
    read -r from to <<<"$pair"
    for i in "${pods[@]}"; do
      for j in "${pods[@]}"; do
        claim "$from-$i reaches $to-$j at $(view "$from" "$to" "$j") by ping, TCP, UDP and curl, and is seen as $(view "$to" "$from" "$i")" \
          reaches "$from" "$i" "$to" "$j"
      done
    done
  done
}

check_sizes_and_rates() {
  local to
  for to in netlab topix; do
    local address
    address=$(view crownlabs "$to" pod1)
    claim "a ping of 3000 bytes to $to arrives in fragments" pings crownlabs-pod1 "$address" -s 3000 -M "dont"
    claim "iperf3 to and from $to, TCP" iperf crownlabs-pod1 "$address"
    claim "iperf3 to and from $to, UDP" iperf crownlabs-pod1 "$address" --udp --bitrate 20M
    claim "a packet to $to that may not be fragmented is answered with the tunnel's MTU" path_mtu_is_told crownlabs-pod2 "$address"
  done
}

check_hops() {
  claim "traceroute from crownlabs shows both gateways and the pod in netlab" hops crownlabs netlab pod2
  claim "traceroute from topix shows both gateways and the pod in crownlabs" hops topix crownlabs pod1
}

# What an administrator who has all the files would have known before: these two packets die, and no other kind does.
foretold() {
  local found
  found=$("$build/isthmusctl" validate "$work"/{crownlabs,netlab,topix}/gateway.yaml 2>&1 >/dev/null) || true
  equal packets "10.244.0.1 -> 10.82.0.1 from netlab, in the tunnel 10.244.0.1 -> 10.72.0.1: crownlabs drops it: destination_not_offered
10.244.0.1 -> 10.92.0.1 from topix, in the tunnel 10.62.0.1 -> 10.96.0.1: crownlabs drops it: destination_not_offered" \
    "$(sed -n 's/^    //p' <<<"$found")"
}

check_forbidden() {
  claim "netlab cannot reach topix: no_route at netlab" dies netlab-pod1 "$(view crownlabs topix pod1)" netlab no_route
  claim "netlab's map onto crownlabs' view of topix gives no transit: destination_not_offered at crownlabs" \
    dies netlab-pod1 10.82.1.11 crownlabs destination_not_offered
  claim "topix' map onto crownlabs' services opens nothing: destination_not_offered at crownlabs" \
    dies topix-pod1 10.92.0.1 crownlabs destination_not_offered
  claim "isthmusctl validate foretells these two from the three files, and nothing else" foretold
}

check_books() {
  local cluster
  for cluster in "${pilot_clusters[@]}"; do
    claim "$cluster: in = out + drops + punts" eventually 3 books_balance "$cluster"
    claim "$cluster: promtool check metrics" metrics_are_sound "$cluster"
    claim "$cluster: healthz" health_is "$cluster" healthz
    claim "$cluster: readyz" health_is "$cluster" readyz
  done
  claim "crownlabs: liqo_peer_is_connected is 1 for netlab" metrics_agree crownlabs netlab
  claim "crownlabs: liqo_peer_is_connected is 1 for topix" metrics_agree crownlabs topix
}

demo_check() {
  local cluster captures=()
  # Any packet that is not a WireGuard message to and from a gateway's port, and any complaint of a kernel about a port.
  capture underlay any "$work/strangers.pcap" \
    'not arp and not (udp src port 51820 and dst port 51820 and udp[8] >= 1 and udp[8] <= 4 and udp[9:2] == 0 and udp[11] == 0)'
  captures+=("$started")
  capture fabric any "$work/complaints.pcap" 'icmp[0] == 3 and icmp[1] == 3'
  captures+=("$started")
  capture underlay crownlabs "$work/underlay.pcap"
  local underlay=$started
  capture fabric crownlabs-gw "$work/pods.pcap"
  local inside=$started

  check_traffic
  stop "$underlay" "$inside"  # before the rates: these two keep everything
  check_sizes_and_rates
  check_hops
  check_forbidden
  check_books
  stop "${captures[@]}"
  claim "the underlay carried WireGuard messages only" captured_nothing "$work/strangers.pcap"
  claim "no kernel complained about a port (ICMP 3/3)" captured_nothing "$work/complaints.pcap"
  claim "what the pods said was never readable on the underlay" secret_only_in_pods

  for cluster in "${pilot_clusters[@]}"; do stop_gateway "$cluster"; done
  for cluster in "${pilot_clusters[@]}"; do
    claim "$cluster: the gateway's table in nftables is gone" no_table_left "$cluster"
    claim "$cluster: all processes of the gateway are gone" no_process_left "$cluster"
  done
  claims_done
}
