# shellcheck shell=bash
# Captures. Sourced after scripts/lib/net.sh.

# capture NAMESPACE DEVICE FILE [FILTER]: starts, and returns when it listens; its pid is in $started.
capture() {
  # Immediate mode and no buffering: what has been seen is in the file as soon as the capture is stopped.
  start_in "$1" "$3.log" tcpdump -i "$2" -n -U --immediate-mode -s 256 -Z root -w "$3" "${4:-}"
  wait_for 5 grep -q 'listening on' "$3.log" || { cat "$3.log" >&2; return 1; }
}

# captured FILE [FILTER]: what it has, one line a packet: "source > destination: what".
captured() { tcpdump -n -r "$1" "${2:-}" 2>/dev/null | sed -E 's/^[^ ]+ (IP )?//'; }
captured_count() { captured "$@" | wc -l; }
