# shellcheck shell=bash
# The way of a packet, told from captures. Sourced after scripts/lib/pilot.sh and scripts/lib/capture.sh.

# addresses FILE FILTER: "source > destination" of the first packet that matches.
addresses() { captured "$1" "$2" | sed -nE '1s/: .*//p'; }

# inside TRACE DIRECTION STAGE: "source > destination" of the first packet of that direction after that stage. Nobody
# outside the two gateways can capture a packet inside the tunnel; each gateway can be asked what it saw there.
inside() {
  jq -r --arg direction "$2" --arg stage "$3" \
    'first(.trace[] | select(.direction == $direction and .stage == $stage)) | "\(.source) > \(.destination)"' "$1"
}

# one_way FROM TO FROM_POD TO_POD ICMP_TYPE UNDERLAY_FILTER FILES: one line a hop.
one_way() {
  local from=$1 to=$2 from_pod=$3 to_pod=$4 filter="icmp[0] == $5" underlay=$6 files=$7
  local start end sent received
  start=$(addresses "$files/$from" "$filter")
  end=$(addresses "$files/$to" "$filter")
  sent=$(inside "$files/$from.trace" outbound translate)
  received=$(inside "$files/$to.trace" inbound open)
  printf '    %-18s %s\n' "at $from-$from_pod" "$start"
  printf '    %-18s %-34s %s\n' 'in the tunnel' "$sent" "seen by $from-gw before it seals"
  [[ $sent == "$received" ]] || die "$to-gw opened $received"
  captured "$files/underlay" "$underlay" |
    sed -nE '1s/([0-9.]+)\.([0-9]+) > ([0-9.]+)\.([0-9]+): (.*)/\1:\2 > \3:\4|\5/p' |
    while IFS='|' read -r outer what; do printf '    %-18s %-34s %s\n' 'on the underlay' "$outer" "$what, encrypted"; done
  printf '    %-18s %s\n' "at $to-$to_pod" "$end"
}

# tell FROM TO FROM_POD TO_POD: one ping and its answer, hop by hop.
tell() {
  local from=$1 to=$2 from_pod=$3 to_pod=$4 files=$work/story captures=() traces=()
  local address gateway
  address=$(view "$from" "$to" "$to_pod")
  rm -rf "$files" && mkdir -p "$files"
  capture "$from-$from_pod" eth0 "$files/$from" icmp && captures+=("$started")
  capture "$to-$to_pod" eth0 "$files/$to" icmp && captures+=("$started")
  # An echo of 56 bytes is longer than a keepalive and shorter than a handshake.
  capture underlay "$from" "$files/underlay" 'udp port 51820 and udp[8] == 4 and udp[4:2] > 60' && captures+=("$started")
  # Each gateway follows two packets: the request and the reply.
  for gateway in "$from" "$to"; do
    ctl "$gateway" trace --packets 2 --seconds 5 -o json >"$files/$gateway.trace" &
    traces+=($!)
  done
  sleep 0.3
  in_ns "$from-$from_pod" ping -q -c 1 -W 2 "$address" >/dev/null || true
  wait "${traces[@]}" || true
  stop "${captures[@]}"

  say "" "$from-$from_pod pings $address, which is how $from knows $to's $to_pod" ""
  say "  request"
  one_way "$from" "$to" "$from_pod" "$to_pod" 8 "src host $(underlay_address "$from")" "$files"
  say "  reply"
  one_way "$to" "$from" "$to_pod" "$from_pod" 0 "src host $(underlay_address "$to")" "$files"
}

underlay_address() { ip_in "$1-gw" -json address show dev underlay | jq -r '.[0].addr_info[0].local'; }
