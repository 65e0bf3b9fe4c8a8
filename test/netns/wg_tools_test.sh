#!/usr/bin/env bash
# Debian's `wg` looks at a gateway and changes it, as if it were the kernel's WireGuard, and no packet is lost for it.
#
#   east-pod1 --- east-gw 192.0.2.1 =====+===== 192.0.2.2 west-gw --- west-pod1        (test/support/pair.sh)
#                                        +===== 192.0.2.3 north-gw --- north-pod1 10.244.3.13
#
# East's document knows west. North is a stranger to it until `wg set` brings it, as 10.63.0.0/16.
#
# `wg` finds sockets by their names in one directory, which all namespaces share: so the clusters are called after this
# test.
# shellcheck source=test/support/begin.sh
. "$(dirname "$0")/../support/begin.sh" wg-tools "${1:-}"
. "$support/pair.sh"
. "$support/stream.sh"

interface=isthmus-wgteast
north_pod_in_east=10.63.3.13

north_document() {
  { document north && cat <<YAML; } >"$work/north/gateway.yaml"
  - name: east
    publicKey: $(public_key east)
    remote: [{real: 10.244.0.0/16, seenAs: 10.82.0.0/16}]
    local: [{real: 10.244.0.0/16, seenAs: 10.63.0.0/16}]
YAML
}

three_up() {
  local name
  add_underlay
  add_cluster east 192.0.2.1 pod1=10.244.1.11
  add_cluster west 192.0.2.2 pod1=10.244.2.12
  add_cluster north 192.0.2.3 pod1=10.244.3.13
  pair_documents
  make_keys north
  north_document
  for name in east west north; do
    sed -i "s/^name: .*/name: wgt$name/" "$work/$name/gateway.yaml"
    start_gateway "$name"
  done
  wait_for 15 connected east 1 || die "east did not connect"
  wait_for 5 connected west 1 || die "west did not connect"
  wait_for 5 in_ns east-pod1 ping -q -c 1 -W 1 "$west_pod_in_east" || die "the pair does not forward"
}

# show FIELD: of the device, or of the peer west.
show() { wg show "$interface" "$1"; }
show_west() { show "$1" | awk -F'\t' -v key="$(public_key west)" '$1 == key {print $2}'; }
of_west() { status_of east | jq -r '.peers[] | select(.name == "west") | '"$1"; }
set_west() { wg set "$interface" peer "$(public_key west)" "$@"; }
set_north() { wg set "$interface" peer "$(public_key north)" "$@"; }
differences() { status_of east | jq -r '.drift[]'; }
drifted() { equal "differences" "$(printf '%s\n' "$@")" "$(differences)"; }
generation() { status_of east | jq .generation; }
ping_north() { in_ns east-pod1 ping -q -c 1 -W 1 "$north_pod_in_east"; }
ping_west() { in_ns east-pod1 ping -q -c 1 -W 1 "$west_pod_in_east"; }
metric() { in_ns east-gw curl -s http://127.0.0.1:8084/metrics | grep "^$1 "; }

streams_run() { kill -0 "${stream_sender[eastward]}" "${stream_sender[westward]}"; }
# start_streams SECONDS
start_streams() {
  stream_start eastward west-pod1 east-pod1 "$east_pod_in_west" 9001 300 "$1"
  stream_start westward east-pod1 west-pod1 "$west_pod_in_east" 9001 300 "$1"
}
end_streams() {
  claim "$1 happened while streams ran" streams_run
  stream_end eastward westward
  claim "$1: nothing was lost eastward" lost_nothing eastward
  claim "$1: nothing was lost westward" lost_nothing westward
}

for_people() {
  local text line
  text=$(wg show "$interface")
  for line in "interface: $interface" "  public key: $(public_key east)" "  private key: (hidden)" \
    "  listening port: 51820" "peer: $(public_key west)" "  preshared key: (hidden)" "  endpoint: 192.0.2.2:51820" \
    "  allowed ips: 10.62.0.0/16"; do
    grep -qxF -- "$line" <<<"$text" || { say "no '$line' in:" "$text"; return 1; }
  done
  grep -qE '^  latest handshake: ([0-9]+ minutes?, )?([0-9]+ seconds? ago|Now)$' <<<"$text" || { say "$text"; return 1; }
  grep -qE '^  transfer: [0-9.]+ (B|KiB) received, [0-9.]+ (B|KiB) sent$' <<<"$text" || { say "$text"; return 1; }
}

# Every field, as the key files and our own status tell it.
for_programs() {
  local expected
  expected=$(printf '%s\t' "$interface" "$(cat "$work/east/private.key")" "$(public_key east)" 51820; say off
    printf '%s\t' "$interface" "$(public_key west)" "$(cat "$work/east/west.psk")" 192.0.2.2:51820 10.62.0.0/16
    of_west '"\(.last_handshake_seconds)\t\(.receive_bytes)\t\(.transmit_bytes)\toff"')
  equal "dump" "$expected" "$(wg show all dump | grep "^$interface"$'\t')"
}

# refused WORDS ARGUMENT...: wg fails with its own words, east's log has ours, and nothing changes.
refused() {
  local before after output words=$1 lines
  before=$(wg showconf "$interface")
  lines=$(wc -l <"$work/east/log")
  if output=$(wg set "$interface" "${@:2}" 2>&1); then say "was accepted"; return 1; fi
  grep -q "Unable to modify interface" <<<"$output" || { say "$output"; return 1; }
  tail -n "+$((lines + 1))" "$work/east/log" | grep -qF -- "$words" || { say "east says:"; tail -n 3 "$work/east/log"; return 1; }
  after=$(wg showconf "$interface")
  equal "showconf" "$before" "$after"
}

# A device whose fields come from a file, as `wg syncconf` and `wg setconf` read it.
conf_says_the_same() {
  local before handshake
  wg showconf "$interface" >"$work/conf"
  before=$(differences)
  handshake=$(show_west latest-handshakes)
  wg "$1" "$interface" "$work/conf" || return 1
  equal "showconf" "$(cat "$work/conf")" "$(wg showconf "$interface")" || return 1
  equal "differences" "$before" "$(differences)" || return 1
  equal "handshake" "$handshake" "$(show_west latest-handshakes)"
}

raw() { printf '%b' "$1" | in_ns east-gw nc -U -N -w 2 "/var/run/wireguard/$interface.sock"; }

three_up

## Reading
claim "wg lists the interface" grep -qw "$interface" <(wg show interfaces)
claim "wg show, for people" for_people
claim "wg show all dump: every field is what the files and our status say" eventually 5 for_programs
claim "the socket is its owner's only" equal mode 600 "$(stat -c %a "/var/run/wireguard/$interface.sock")"
claim "reading is no drift" drifted ""
claim "the document that runs would change nothing" equal plan "nothing changes" "$(ctl east plan "$work/east/gateway.yaml")"

## Setting what the document knows
start_streams 7
claim "wg set persistent-keepalive" set_west persistent-keepalive 25
claim "wg shows it" equal keepalive 25 "$(show_west persistent-keepalive)"
(umask 077 && wg genpsk >"$work/new.psk")
claim "wg set preshared-key here" set_west preshared-key "$work/new.psk"
claim "and there" wg set isthmus-wgtwest peer "$(public_key east)" preshared-key "$work/new.psk"
handshake_with_new_key() { [[ $(of_west .rotating) == false ]]; }
claim "both sides agree with the new key" eventually 5 handshake_with_new_key
claim "wg shows it" equal psk "$(cat "$work/new.psk")" "$(show_west preshared-keys)"
claim "what wg changed is drift, and no key is told" drifted \
  "peers[west].persistentKeepalive: 25 instead of 0, set with wg" "peers[west].presharedKey: set with wg"
claim "a person is told how to end it" grep -q '2 differences from the document; `isthmusctl apply FILE` ends them' <(ctl east status)
claim "and what of it would end" equal plan "ends: peers[west].persistentKeepalive: 25 instead of 0, set with wg
ends: peers[west].presharedKey: set with wg" "$(ctl east plan "$work/east/gateway.yaml")"
claim "and so is a program" equal metric "isthmus_config_drift 2" "$(metric isthmus_config_drift)"

## Files
claim "wg setconf of what wg showconf says changes nothing" conf_says_the_same setconf
claim "neither does wg syncconf" conf_says_the_same syncconf
sed -i 's/^PersistentKeepalive = .*/PersistentKeepalive = 11/' "$work/conf"
claim "wg syncconf with one difference" wg syncconf "$interface" "$work/conf"
claim "makes this difference" equal keepalive 11 "$(show_west persistent-keepalive)"
end_streams "setting and syncing"

## A peer that the document does not know
start_streams 9
claim "a peer without allowed IPs is refused" refused "is missing: nothing of this peer could be reached" peer "$(public_key north)"
claim "wg set brings a new peer, at a wrong endpoint" set_north endpoint 192.0.2.33:51820 allowed-ips 10.63.0.0/16
claim "wg shows two" equal peers 2 "$(show peers | wc -l)"
claim "nobody answers there" equal connected 1 "$(status_of east | jq '[.peers[] | select(.connected)] | length')"
claim "wg set corrects the endpoint" set_north endpoint 192.0.2.3:51820
claim "then it forwards" eventually 8 ping_north
claim "and is drift" grep -qE '^peers\[wg-[0-9a-f]{8}\]: added with wg$' <(differences)
claim "wg syncconf of a file without it takes it away" wg syncconf "$interface" "$work/conf"
claim "it is gone" equal peers 1 "$(show peers | wc -l)"
ping_fails() { ! ping_north; }
claim "and reached no more" ping_fails
claim "wg set brings it again" set_north endpoint 192.0.2.3:51820 allowed-ips 10.63.0.0/16
claim "wg set remove takes it away too" set_north remove
claim "only the older differences are left" drifted \
  "peers[west].persistentKeepalive: 11 instead of 0, set with wg" "peers[west].presharedKey: set with wg"

## What cannot be
claim "no port" refused "tunnel.listenPort: 0 is out of range" listen-port 0
claim "everybody's addresses" refused "0.0.0.0/0 has a length" peer "$(public_key west)" allowed-ips 0.0.0.0/0
claim "our own pods" refused "overlaps 10.244.0.0/16 of pods[0]" peer "$(public_key west)" allowed-ips 10.244.0.0/16
claim "IPv6" refused "IPv6 prefixes are not supported" peer "$(public_key west)" allowed-ips 2001:db8::/32
claim "a mark" refused "fwmark" fwmark 5
claim "our own key as a peer's" refused "own public key" peer "$(public_key east)" allowed-ips 10.199.0.0/16
claim "nonsense is answered" equal answer "errno=-71" "$(raw 'nonsense\n\n')"
claim "so is half a key" equal answer "errno=-22" "$(raw 'set=1\nprivate_key=abcdef\n\n')"
raw 'set=1\nlisten_port=7' >/dev/null || true  # and hangs up
end_streams "new peers and wrong words"

## The end of drift
before=$(generation)
claim "the unchanged document ends the drift" ctl east apply "$work/east/gateway.yaml"
claim "no difference is left" drifted ""
claim "wg sees the document again" eventually 5 for_programs
claim "it counts as a change" equal generation $((before + 1)) "$(generation)"
claim "west gets its key back" ctl west apply "$work/west/gateway.yaml"
claim "and they talk" eventually 10 ping_west

## A death, and the end
kill_hard "$(data_plane_pid east)"
claim "after a crash wg finds the next data plane" eventually 5 wg show "$interface"
claim "which forwards" eventually 10 ping_west
for name in east west north; do stop_gateway "$name"; done
left_behind() { compgen -G '/var/run/wireguard/isthmus-wgt*'; }
claim "nothing is left in wg's directory" equal files "" "$(left_behind)"

claims_done
