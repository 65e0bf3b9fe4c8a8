# shellcheck shell=bash
# Network namespaces, links and the processes in them. Sourced after scripts/lib.sh.
#
# Everything that a run makes bears its prefix, so that a run can find and remove what an earlier one left behind when
# it was killed: the namespaces by name, the processes by being in them, the files by being in one directory (and in
# one of /etc/netns by namespace, where `ip netns exec` looks for them).

prefix=${ISTHMUS_PREFIX:-isthmus-demo}
work=/run/$prefix

# Exit code 77 is ctest's word for "this machine cannot run it".
need_namespaces() {
  ((EUID == 0)) || { say "SKIPPED: needs root for network namespaces"; exit 77; }
  if ! ip netns add "$prefix-probe" 2>/dev/null || ! ip netns del "$prefix-probe"; then
    say "SKIPPED: this machine gives root no network namespaces"
    exit 77
  fi
}

namespace() { printf '%s-%s' "$prefix" "$1"; }
namespaces() { ip netns list | awk -v prefix="$prefix-" 'index($1, prefix) == 1 {print $1}'; }

add_namespace() {
  ip netns add "$(namespace "$1")"
  ip -n "$(namespace "$1")" link set lo up
  # Nothing here speaks IPv6; without it no router solicitation disturbs a capture or a counter.
  in_ns "$1" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
}

# add_ipv6_address NAMESPACE DEVICE ADDRESS/LENGTH: and there IPv6 is spoken after all.
add_ipv6_address() {
  in_ns "$1" sysctl -qw "net.ipv6.conf.$2.disable_ipv6=0"
  ip_in "$1" address add "$3" dev "$2" nodad
}

# in_ns NAME COMMAND...
in_ns() { ip netns exec "$(namespace "$1")" "${@:2}"; }
ip_in() { ip -n "$(namespace "$1")" "${@:2}"; }

# use_name_server NAME ADDRESS: who is started in the namespace from now on asks this DNS server, and nobody else:
# `ip netns exec` puts the files of this directory in the place of those in /etc.
use_name_server() {
  local etc
  etc=/etc/netns/$(namespace "$1")
  mkdir -p "$etc"
  printf 'nameserver %s\n' "$2" >"$etc/resolv.conf"
  [[ ! -e /etc/nsswitch.conf ]] || sed 's/^hosts:.*/hosts: files dns/' /etc/nsswitch.conf >"$etc/nsswitch.conf"
}

# start_in NAME LOG COMMAND...: in the background; its pid is in $started.
start_in() {
  local where log=$2
  where=$(namespace "$1")
  shift 2
  # exec: the pid is the program's own, not that of a shell around it.
  (exec ip netns exec "$where" "$@") >>"$log" 2>&1 </dev/null &
  started=$!
}

alive() { [[ -d /proc/$1 && $(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null) != Z ]]; }
gone() { ! alive "$1"; }

# stop PID...: asks, waits three seconds, insists.
stop() {
  local pid
  for pid in "$@"; do kill "$pid" 2>/dev/null || true; done
  for pid in "$@"; do
    wait_for 3 gone "$pid" || kill -9 "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
}

# add_link NAME DEVICE NAME DEVICE: a veth pair, both ends up.
add_link() {
  ip link add name "$2" netns "$(namespace "$1")" type veth peer name "$4" netns "$(namespace "$3")"
  ip_in "$1" link set "$2" up
  ip_in "$3" link set "$4" up
}

# kill_hard PID: as a crash would. Waited for at once, so that bash does not report it in the middle of the output.
kill_hard() {
  kill -9 "$1"
  wait "$1" 2>/dev/null || true
  wait_for 3 gone "$1"
}

add_bridge() {
  ip_in "$1" link add "$2" type bridge forward_delay 0 mcast_snooping 0
  ip_in "$1" link set "$2" up
  # Where the bridge netfilter module is loaded, it would reassemble the fragments that the gateway is to see.
  in_ns "$1" sysctl -qw net.bridge.bridge-nf-call-iptables=0 2>/dev/null || true
}

# remove_everything: processes, namespaces and files of this prefix, of this run or an earlier one.
remove_everything() {
  local name pids
  for name in $(namespaces); do
    pids=$(ip netns pids "$name")
    # shellcheck disable=SC2086
    [[ -z $pids ]] || stop $pids
  done
  for name in $(namespaces); do ip netns del "$name"; done
  rm -rf "$work" "/etc/netns/$prefix-"*
  rmdir /etc/netns 2>/dev/null || true
}

# begin: a clean start, and a clean end whatever happens in between.
begin() {
  remove_everything
  mkdir -p "$work"
  chmod 700 "$work"
  trap remove_everything EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}
