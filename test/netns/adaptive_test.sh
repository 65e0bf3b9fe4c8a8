#!/usr/bin/env bash
# An idle gateway costs next to nothing, and a packet that comes after a pause hardly waits.
#
#   east-pod1 --- east-gw ======= west-gw --- west-pod1        (test/support/pair.sh)
# shellcheck source=test/support/begin.sh
. "$(dirname "$0")/../support/begin.sh" adaptive "${1:-}"
. "$support/pair.sh"

# cpu_ticks PID: user and system time of all its threads, in hundredths of a second.
cpu_ticks() { sed 's/.*) //' "/proc/$1/stat" | awk '{print $12 + $13}'; }
# cpu_percent PID SECONDS: of one core.
cpu_percent() {
  local before
  before=$(cpu_ticks "$1")
  sleep "$2"
  printf '%s' $((($(cpu_ticks "$1") - before) / $2))
}
below() { (($2 < $3)) || { say "$1 is $2, limit $3"; return 1; }; }

# round_trip: microseconds of one ping; of the second of two when given "warm", 10 ms after the first.
round_trip() {
  in_ns east-pod1 ping -c "$1" -i 0.01 -W 1 "$west_pod_in_east" | sed -nE "s/.*icmp_seq=$1 .*time=([0-9.]+) ms.*/\1/p" |
    awk '{printf "%d", $1 * 1000}'
}
median() { sort -n | awk '{value[NR] = $1} END {print value[int((NR + 1) / 2)]}'; }

pair_up
sleep 1

percent=$(cpu_percent "$(data_plane_pid east)" 5)
claim "the idle data plane takes $percent % of a core, less than 5" below percent "$percent" 5
percent=$(cpu_percent "$(daemon_pid east)" 2)
claim "the idle daemon takes $percent % of a core, less than 5" below percent "$percent" 5

# A round trip wakes four walks, so four times 200 us is allowed over what the same way takes without a pause.
for _ in 1 2 3 4 5; do
  sleep 2
  round_trip 1 >>"$work/cold" && echo >>"$work/cold"
  round_trip 2 >>"$work/warm" && echo >>"$work/warm"
done
cold=$(median <"$work/cold")
warm=$(median <"$work/warm")
claim "after a pause of 2 s a ping takes $cold us, $warm us without: less than 800 us more" below wait $((cold - warm)) 800

# The same measurement tells a gateway that polls.
sed 's/^peers:/polling: busy\n&/' "$work/east/gateway.yaml" >"$work/busy.yaml"
claim "polling can be changed" ctl east apply "$work/busy.yaml"
sleep 0.5
percent=$(cpu_percent "$(data_plane_pid east)" 2)
claim "a busy data plane takes $percent % of a core, more than 20" test "$percent" -gt 20

claims_done
