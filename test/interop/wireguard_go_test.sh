#!/usr/bin/env bash
# wireguard-go, which we did not write, as the peer: in both roles, with and without a pre-shared key, through a rekey
# in either role, and without losing a packet.
#
#                                            +---- 192.0.2.11  asks1: initiates, pre-shared key
#   east-pod1 --- east-gw 192.0.2.1 =========+---- 192.0.2.12  asks2: initiates
#                                            +---- 192.0.2.13  told1: we initiate, pre-shared key
#                                            +---- 192.0.2.14  told2: we initiate
#
# A plain WireGuard peer translates nothing, so our gateway does it for both: in the tunnel peer N is 10.244.100.N, an
# address that a pod of ours could have; the cluster sees it as 10.51.0.N. The cluster shows itself as 10.60.0.0/16.
#
# The initiator of a session renews it after 120 seconds. All four run at once, so one wait of 130 seconds shows two
# rekeys of wireguard-go's and two of ours.
# shellcheck source=test/support/begin.sh
. "$(dirname "$0")/../support/begin.sh" wireguard-go "${1:-}"
. "$support/stream.sh"

[[ -c /dev/net/tun ]] || { say "SKIPPED: no /dev/net/tun"; exit 77; }

peers=(asks1 asks2 told1 told2)
declare -A number=([asks1]=1 [asks2]=2 [told1]=3 [told2]=4)
pod_in_tunnel=10.60.1.11
seen_as() { printf '10.51.0.%s' "${number[$1]}"; }

east_document() {
  local peer
  document east
  for peer in "${peers[@]}"; do
    cat <<YAML
  - name: $peer
    publicKey: $(public_key "$peer")
    remote: [{real: 10.244.100.${number[$peer]}/32, seenAs: $(seen_as "$peer")/32}]
    local: [{real: 10.244.0.0/16, seenAs: 10.60.0.0/16}]
YAML
    if [[ $peer == *1 ]]; then say "    presharedKeyFile: $work/east/$peer.psk"; fi
    if [[ $peer == told* ]]; then say "    endpoint: 192.0.2.1${number[$peer]}:51820"; fi
  done
}

# add_peer NAME: a namespace on the underlay with wireguard-go's interface wg0.
add_peer() {
  local arguments=()
  add_namespace "$1"
  add_link "$1" underlay underlay "$1"
  ip_in underlay link set "$1" master underlay
  ip_in "$1" address add "192.0.2.1${number[$1]}/24" dev underlay
  # Its control socket is named after the interface, in a directory that all namespaces share: so each a name of its own.
  start_in "$1" "$work/$1/log" wireguard-go --foreground "isthmus-$1"
  wait_for 5 in_ns "$1" wg show "isthmus-$1" || die "wireguard-go did not start in $1"
  if [[ $1 == *1 ]]; then
    (umask 077 && wg genpsk >"$work/east/$1.psk")
    arguments+=(preshared-key "$work/east/$1.psk")
  fi
  # Only who is to initiate knows where the other is.
  if [[ $1 == asks* ]]; then arguments+=(endpoint 192.0.2.1:51820); fi
  in_ns "$1" wg set "isthmus-$1" listen-port 51820 private-key "$work/$1/private.key" \
    peer "$(public_key east)" allowed-ips 10.60.0.0/16 "${arguments[@]}"
  ip_in "$1" address add "10.244.100.${number[$1]}/32" dev "isthmus-$1"
  ip_in "$1" link set "isthmus-$1" mtu 1420 up
  ip_in "$1" route add 10.60.0.0/16 dev "isthmus-$1"
}

handshakes() { in_ns "$1" wg show "isthmus-$1" latest-handshakes | cut -f2; }
our_peer() { status_of east | jq -r --arg peer "$1" ".peers[] | select(.name == \$peer) $2"; }
renewed() {
  (($(handshakes "$1") > first_theirs[$1])) || { say "wireguard-go's last handshake is still the first"; return 1; }
  (($(our_peer "$1" "| .last_handshake_seconds") > first_ours[$1])) || { say "ours is still the first"; return 1; }
}

# transfer NAME: "received sent" as wireguard-go counts, then "sent received" as we do.
transfer() {
  in_ns "$1" wg show "isthmus-$1" transfer | cut -f2-
  our_peer "$1" '| "\(.transmit_bytes)\t\(.receive_bytes)"'
}
# Since the bytes noted before the streams, what one end sent the other received, to the byte. (Not since the start:
# iperf3 sends as much as gets lost on the way.)
counters_agree() {
  local now theirs ours
  now=$(paste "$work/$1/transfer" <(transfer "$1") | awk -F'\t' '{print $3 - $1, $4 - $2}')
  { read -r theirs && read -r ours; } <<<"$now"
  equal "our bytes sent and received since the streams began" "$theirs" "$ours"
}

begin_session() {
  if [[ $1 == asks* ]]; then
    in_ns "$1" ping -q -c 1 -W 3 "$pod_in_tunnel"
  else
    in_ns east-pod1 ping -q -c 1 -W 3 "$(seen_as "$1")"
  fi
}

iperf_both_ways() {
  local result=$work/iperf.json
  in_ns east-pod1 iperf3 --client "$(seen_as "$1")" --time 1 --bidir --json >"$result" || { jq -r .error "$result"; return 1; }
  jq -e 'all(.end.sum_received, .end.sum_received_bidir_reverse; .bits_per_second > 1e6)' "$result" >/dev/null
}

add_underlay
add_cluster east 192.0.2.1 pod1=10.244.1.11
make_keys east "${peers[@]}"
for peer in "${peers[@]}"; do add_peer "$peer"; done
east_document >"$work/east/gateway.yaml"
start_gateway east
wait_for 10 status_of east || die "the gateway did not start"

declare -A first_theirs first_ours
for peer in "${peers[@]}"; do
  claim "$peer: the session stands with the first packet" begin_session "$peer"
  claim "$peer: ping, from the other side too" in_ns east-pod1 ping -q -c 2 -i 0.1 -W 1 "$(seen_as "$peer")"
  claim "$peer: ping of 3000 bytes" in_ns east-pod1 ping -q -c 2 -i 0.1 -W 1 -s 3000 "$(seen_as "$peer")"
  start_in "$peer" "$work/$peer/log" iperf3 --server --one-off
  wait_for 3 in_ns "$peer" sh -c "ss -Htln 'sport = :5201' | grep -q ." || true
  claim "$peer: iperf3, both ways at once" iperf_both_ways "$peer"
  first_theirs[$peer]=$(handshakes "$peer")
  first_ours[$peer]=$(our_peer "$peer" "| .last_handshake_seconds")
done

streams=()
for peer in "${peers[@]}"; do transfer "$peer" >"$work/$peer/transfer"; done
for peer in "${peers[@]}"; do
  stream_start "to-$peer" east-pod1 "$peer" "$(seen_as "$peer")" 9001 100 130
  stream_start "from-$peer" "$peer" east-pod1 "$pod_in_tunnel" "910${number[$peer]}" 100 130
  streams+=("to-$peer" "from-$peer")
done
stream_end "${streams[@]}"
for peer in "${peers[@]}"; do
  claim "$peer: the session was renewed" renewed "$peer"
  claim "$peer: nothing was lost towards it" lost_nothing "to-$peer"
  claim "$peer: nothing was lost from it" lost_nothing "from-$peer"
  claim "$peer: 'wg show transfer' and our counters agree" eventually 3 counters_agree "$peer"
done
claim "the books balance" eventually 3 books_balance east

claims_done
