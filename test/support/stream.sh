# shellcheck shell=bash
# Numbered streams between namespaces (stream.py). Sourced after begin.sh.

declare -A stream_sender stream_receiver

# stream_start NAME FROM TO ADDRESS PORT PER_SECOND SECONDS: FROM and TO are namespaces.
stream_start() {
  rm -f "$work/$1".{json,sent,receiver.log}
  start_in "$3" "$work/$1.receiver.log" python3 "$support/stream.py" receive "$5" "$work/$1.json"
  stream_receiver[$1]=$started
  wait_for 5 in_ns "$3" sh -c "ss -Huln 'sport = :$5' | grep -q ." || { cat "$work/$1.receiver.log" >&2; die "the receiver of $1 does not listen"; }
  start_in "$2" "$work/$1.sent" python3 "$support/stream.py" send "$4" "$5" "$6" "$7"
  stream_sender[$1]=$started
}

# stream_end NAME...: waits until all has been sent and had time to arrive.
stream_end() {
  local name
  for name in "$@"; do wait "${stream_sender[$name]}" || { cat "$work/$name.sent" >&2; return 1; }; done
  sleep 0.5
  for name in "$@"; do stop "${stream_receiver[$name]}"; done
}

stream_report() { jq -c '.missing |= (length as $n | {count: $n, some: .[:10]})' "$work/$1.json"; }

# lost_nothing NAME: every number arrived, once.
lost_nothing() {
  local sent
  sent=$(cat "$work/$1.sent")
  jq -e --argjson sent "$sent" '$sent > 0 and .received == $sent and .duplicates == 0 and (.missing | length) == 0' \
    "$work/$1.json" >/dev/null || { say "sent $sent: $(stream_report "$1")"; return 1; }
}

# gap_below NAME SECONDS: there was a gap, so the test bit; and it was short.
longest_gap() { jq .longest_gap "$work/$1.json"; }
gap_below() { jq -e --argjson limit "$2" '.longest_gap < $limit and .received > 0' "$work/$1.json" >/dev/null || { stream_report "$1"; return 1; }; }
