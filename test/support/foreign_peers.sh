# shellcheck shell=bash
# Eight peers that we did not write, and what each of them has to live through with our gateway. Sourced after begin.sh
# and stream.sh.
#
#   asks: only the peer knows where we are, and it initiates       4, 6: IPv4 or IPv6 underlay
#   told: only we know where the peer is, and we initiate          psk:  with a pre-shared key
#
# A plain WireGuard peer translates nothing, so our gateway does it for both: in the tunnel peer N is 10.244.100.N, an
# address that a pod of ours could have; the cluster sees it as 10.51.0.N, and shows itself to it as 10.(60+N).0.0/16.
#
# The test that sources this says how its peers are made, and how they are steered:
#
#   host_of PEER              the namespace of 10.244.100.N
#   endpoint PEER home|away   where the peer is at first, and where move_peers takes it
#   wg_show PEER WHAT         what `wg show` there prints
#   restart_peer PEER         as a crash and a new start would: all but its configuration is lost
#   move_peers                all go from home to away; what still comes for home does not arrive
#   strays                    how many packets have come for home since

peers=(asks4 asks4psk asks6 asks6psk told4 told4psk told6 told6psk)
asking=("${peers[@]:0:4}")
told=("${peers[@]:4}")
declare -A number
for ((i = 0; i < ${#peers[@]}; ++i)); do number[${peers[i]}]=$((i + 1)); done

in_tunnel() { printf '10.244.100.%s' "${number[$1]}"; }
seen_as() { printf '10.51.0.%s' "${number[$1]}"; }
cluster_for() { printf '10.%s.0.0/16' $((60 + number[$1])); }
pod_for() { printf '10.%s.1.11' $((60 + number[$1])); }
our_endpoint() { if [[ $1 == *6* ]]; then printf '[2001:db8::1]:51820'; else printf '192.0.2.1:51820'; fi; }

# add_east: our cluster, both underlays, and all the keys.
add_east() {
  local peer
  add_underlay
  add_cluster east 192.0.2.1 pod1=10.244.1.11
  add_ipv6_address east-gw underlay 2001:db8::1/64
  make_keys east "${peers[@]}"
  for peer in "${peers[@]}"; do
    if [[ $peer == *psk ]]; then (umask 077 && wg genpsk >"$work/east/$peer.psk"); fi
  done
}

start_east() {
  local peer
  {
    document east
    for peer in "${peers[@]}"; do
      cat <<YAML
  - name: $peer
    publicKey: $(public_key "$peer")
    remote: [{real: $(in_tunnel "$peer")/32, seenAs: $(seen_as "$peer")/32}]
    local: [{real: 10.244.0.0/16, seenAs: $(cluster_for "$peer")}]
YAML
      if [[ $peer == *psk ]]; then say "    presharedKeyFile: $work/east/$peer.psk"; fi
      if [[ $peer == told* ]]; then say "    endpoint: \"$(endpoint "$peer" home)\""; fi
    done
  } >"$work/east/gateway.yaml"
  start_gateway east
  # It answers before its document runs.
  wait_for 10 knows_peers || die "the gateway did not start"
}

knows_peers() { (($(status_of east | jq '.peers | length') == ${#peers[@]})); }
our_peer() { status_of east | jq -r --arg peer "$1" ".peers[] | select(.name == \$peer) | $2"; }
handshakes() { wg_show "$1" latest-handshakes | cut -f2; }

ping_to() { in_ns east-pod1 ping -q -c 1 "${@:2}" "$(seen_as "$1")"; }
ping_from() { in_ns "$(host_of "$1")" ping -q -c 1 "${@:2}" "$(pod_for "$1")"; }
# ping_from_initiator PEER OPTION...
ping_from_initiator() { if [[ $1 == asks* ]]; then ping_from "$@"; else ping_to "$@"; fi; }
no_ping() { ! ping_from_initiator "$1" -W 0.3; }

## Sessions

sessions_begin() {
  local peer
  for peer in "${peers[@]}"; do
    claim "$peer: the session stands with the first packet" ping_from_initiator "$peer" -W 5
    claim "$peer: the other side pings too" eval "ping_to $peer -W 2 && ping_from $peer -W 2"
  done
}

iperf_both_ways() {
  local host result=$work/iperf.json
  host=$(host_of "$1")
  start_in "$host" "$work/$1/log" iperf3 --server --one-off
  wait_for 3 in_ns "$host" sh -c "ss -Htln 'sport = :5201' | grep -q ."
  in_ns east-pod1 iperf3 --client "$(seen_as "$1")" --time 1 --bidir --json >"$result" ||
    { jq -r .error "$result"; return 1; }
  jq -e 'all(.end.sum_received, .end.sum_received_bidir_reverse; .bits_per_second > 1e6)' "$result" >/dev/null
}

sessions_carry() {
  local peer
  for peer in "${peers[@]}"; do
    claim "$peer: ping of 3000 bytes" ping_to "$peer" -W 2 -s 3000
    claim "$peer: iperf3, both ways at once" iperf_both_ways "$peer"
  done
}

## Restarts
#
# Who initiates and was restarted begins anew with its first packet, which is answered: it shows that the new session
# works, and nothing goes by the one that was lost any more. Who only answers and was restarted cannot begin: the initiator
# has to notice that it sends and hears nothing, which takes 15 seconds (KEEPALIVE_TIMEOUT + REKEY_TIMEOUT). So first we
# are restarted, and the asking peers have to notice; meanwhile the told peers are, and we have to; last the asking ones
# are.

declare -A knocking
# knock PEER: pings from its initiator until knocks_end.
knock() {
  local ends=(east-pod1 "$(seen_as "$1")")
  if [[ $1 == asks* ]]; then ends=("$(host_of "$1")" "$(pod_for "$1")"); fi
  start_in "${ends[0]}" "$work/$1/log" ping -q -i 0.2 "${ends[1]}"
  knocking[$1]=$started
}
knocks_end() { stop "${knocking[@]}"; }

other_data_plane() {
  local now
  now=$(data_plane_pid east)
  [[ -n $now && $now != "$1" ]] && knows_peers
}

restarts() {
  local peer data_plane
  data_plane=$(data_plane_pid east)
  kill_hard "$data_plane"
  claim "our killed data plane was started again" eventually 5 other_data_plane "$data_plane"
  for peer in "${asking[@]}"; do
    claim "$peer: our restart made us deaf to it" no_ping "$peer"
    knock "$peer"
  done
  for peer in "${told[@]}"; do
    claim "$peer: after our restart we begin anew" ping_to "$peer" -W 2
    restart_peer "$peer"
    claim "$peer: its restart made it deaf to us" no_ping "$peer"
    knock "$peer"
  done
  for peer in "${asking[@]}"; do
    claim "$peer: it noticed our restart, and began anew" wait_for 20 ping_from "$peer" -W 1
  done
  for peer in "${told[@]}"; do
    claim "$peer: we noticed its restart, and began anew" wait_for 20 ping_to "$peer" -W 1
  done
  knocks_end
  for peer in "${asking[@]}"; do
    restart_peer "$peer"
    claim "$peer: after its restart it begins anew" ping_from "$peer" -W 2
  done
}

## Roaming

# streams_start PER_SECOND SECONDS: both ways, with all peers.
streams_start() {
  local peer host
  streams=()
  for peer in "${peers[@]}"; do
    host=$(host_of "$peer")
    stream_start "to-$peer" east-pod1 "$host" "$(seen_as "$peer")" "900${number[$peer]}" "$@"
    stream_start "from-$peer" "$host" east-pod1 "$(pod_for "$peer")" "910${number[$peer]}" "$@"
    streams+=("to-$peer" "from-$peer")
  done
}

missing() { jq -s 'map(.missing | length) | add' "$@"; }
lost_at_most() { (($(missing "$work/$1.json") <= $2)) || { stream_report "$1"; return 1; }; }
# What was on its way to a peer when it left cannot arrive. Nothing else may be missing.
only_strays_lost() {
  local files=("${peers[@]/#/$work/to-}")
  equal "packets lost" "$1" "$(missing "${files[@]/%/.json}")"
}

endpoint_shown() {
  local line
  line=$(ctl east peers | grep "^$1 ")
  grep -qwF "$(endpoint "$1" "$2")" <<<"$line" || { say "$line"; return 1; }
}

roaming() {
  local peer too_late
  for peer in "${peers[@]}"; do claim "$peer: isthmusctl shows where it is" endpoint_shown "$peer" home; done
  streams_start 100 10
  move_peers
  alive "${stream_sender[${streams[0]}]}" || die "the streams ended before the peers went elsewhere"
  # Until a peer has spoken from there nobody can reach it, and each speaks a hundred times a second.
  for peer in "${peers[@]}"; do
    claim "$peer: isthmusctl shows where it went" eventually 1 endpoint_shown "$peer" away
  done
  too_late=$(strays)
  for peer in "${peers[@]}"; do claim "$peer: there it answers at once" ping_to "$peer" -W 1; done
  stream_end "${streams[@]}"
  for peer in "${peers[@]}"; do
    claim "$peer: on its way it lost nothing of what it sent" lost_nothing "from-$peer"
    claim "$peer: for a tenth of a second at most we sent to where it had been" lost_at_most "to-$peer" 10
  done
  claim "only what came to where they had been was lost" only_strays_lost "$too_late"
}

## Rekey
#
# The initiator of a session renews it after 120 seconds. Most of them have passed when this begins.

renewed() {
  (($(handshakes "$1") > first_theirs[$1])) || { say "the peer's last handshake is still the first"; return 1; }
  (($(our_peer "$1" .last_handshake_seconds) > first_ours[$1])) || { say "ours is still the first"; return 1; }
}

# transfer PEER: "received sent" as the peer counts, then "sent received" as we do.
transfer() {
  wg_show "$1" transfer | cut -f2-
  our_peer "$1" '"\(.transmit_bytes)\t\(.receive_bytes)"'
}
# Since the bytes noted before the streams, what one end sent the other received, to the byte. (Not since the start:
# iperf3 sends as much as gets lost on the way.)
counters_agree() {
  local now theirs ours
  now=$(paste "$work/$1/transfer" <(transfer "$1") | awk -F'\t' '{print $3 - $1, $4 - $2}')
  { read -r theirs && read -r ours; } <<<"$now"
  equal "our bytes sent and received since the streams began" "$theirs" "$ours"
}

rekey() {
  local peer youngest
  declare -gA first_theirs first_ours
  for peer in "${peers[@]}"; do
    first_theirs[$peer]=$(handshakes "$peer")
    first_ours[$peer]=$(our_peer "$peer" .last_handshake_seconds)
    transfer "$peer" >"$work/$peer/transfer"
  done
  youngest=$(printf '%s\n' "${first_ours[@]}" | sort -n | tail -1)
  streams_start 100 $((youngest + 128 - EPOCHSECONDS))
  stream_end "${streams[@]}"
  for peer in "${peers[@]}"; do
    claim "$peer: the session was renewed" renewed "$peer"
    claim "$peer: nothing was lost towards it" lost_nothing "to-$peer"
    claim "$peer: nothing was lost from it" lost_nothing "from-$peer"
    claim "$peer: 'wg show transfer' and our counters agree" eventually 3 counters_agree "$peer"
  done
}

# The restarts come first: the sessions of which they leave the last ones are old enough for the rekey when all the rest
# has been looked at.
live_through_everything() {
  sessions_begin
  restarts
  sessions_carry
  roaming
  rekey
  claim "the books balance" eventually 3 books_balance east
}
