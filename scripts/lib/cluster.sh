# shellcheck shell=bash
# Clusters as network namespaces. Sourced after scripts/lib/net.sh; $build names the tree with the programs.
#
# One cluster is: a gateway, some pods, and between them a bridge, the cluster's own network. Every cluster has the same
# addresses: that is the point.
#
#    NAME-pod1 eth0 10.244.1.11/16 ----+
#    NAME-pod2 eth0 10.244.1.12/16 ----+-- bridge NAME (in "fabric") -- cluster 10.244.0.1/16  NAME-gw
#                                                                                             |
#                                 bridge underlay (in "underlay") -- underlay 192.0.2.N/24 ---+
#
# Nothing is tuned for the demo. The pods' kernels keep their offloads on, as they do in a real cluster: they leave
# checksums unfinished and hand over TCP segments of up to 64 KiB, for a veth has hardware no more than a pod has. The
# gateway finishes the checksums and makes the kernel cut the segments.

# add_underlay: the network between the gateways.
add_underlay() {
  add_namespace underlay
  add_namespace fabric
  add_bridge underlay underlay
}

# add_cluster NAME UNDERLAY_ADDRESS POD=ADDRESS...
add_cluster() {
  local name=$1 address=$2 pod
  shift 2
  mkdir -p "$work/$name/run" "$work/$name/state"
  add_bridge fabric "$name"

  add_namespace "$name-gw"
  # As on a Kubernetes node. A kernel that forwards must not add its own copy or complaint to what the data plane does.
  in_ns "$name-gw" sysctl -qw net.ipv4.ip_forward=1
  add_link "$name-gw" underlay underlay "$name"
  ip_in underlay link set "$name" master underlay
  ip_in "$name-gw" address add "$address/24" dev underlay

  add_link "$name-gw" cluster fabric "$name-gw"
  ip_in fabric link set "$name-gw" master "$name"
  ip_in "$name-gw" address add 10.244.0.1/16 dev cluster

  for pod in "$@"; do add_pod "$name" "${pod%%=*}" "${pod#*=}"; done
}

# add_pod CLUSTER POD ADDRESS
add_pod() {
  add_namespace "$1-$2"
  add_link "$1-$2" eth0 fabric "$1-$2"
  ip_in fabric link set "$1-$2" master "$1"
  ip_in "$1-$2" address add "$3/16" dev eth0
  ip_in "$1-$2" route add default via 10.244.0.1
}

# make_keys NAME...: a key pair each.
make_keys() {
  local name
  for name in "$@"; do
    mkdir -p "$work/$name"
    (umask 077 && wg genkey >"$work/$name/private.key")
    wg pubkey <"$work/$name/private.key" >"$work/$name/public.key"
  done
}
public_key() { cat "$work/$1/public.key"; }

# document NAME: the part of a gateway's document that is the same for all; the caller appends the peers.
document() {
  cat <<YAML
apiVersion: isthmus/v1alpha1
name: $1
privateKeyFile: $work/$1/private.key
ports:
  cluster: {interface: cluster}
  underlay: {interface: underlay}
pods: [10.244.0.0/16]
reserved: [10.96.0.0/12]
peers:
YAML
}

# ctl NAME ARGUMENT...: what the cluster's administrator types.
ctl() { in_ns "$1-gw" "$build/isthmusctl" --run-dir "$work/$1/run" "${@:2}"; }
status_of() { ctl "$1" status -o json; }

# start_gateway NAME: isthmusd by $work/NAME/gateway.yaml; it starts the data plane.
start_gateway() {
  start_in "$1-gw" "$work/$1/log" "$build/isthmusd" --config "$work/$1/gateway.yaml" --run-dir "$work/$1/run" \
    --state-dir "$work/$1/state" --dp "$build/isthmus-dp"
  printf '%s\n' "$started" >"$work/$1/isthmusd.pid"
}
daemon_pid() { cat "$work/$1/isthmusd.pid"; }
data_plane_pid() { status_of "$1" | jq -r .pid; }

# stop_gateway NAME: the daemon first, or it would bring the data plane back.
stop_gateway() {
  local data_plane
  data_plane=$(data_plane_pid "$1" 2>/dev/null || true)
  stop "$(daemon_pid "$1")"
  if [[ -n $data_plane ]]; then stop "$data_plane"; fi
}

# connected NAME COUNT: the gateway runs and this many peers are connected.
connected() { (($(status_of "$1" | jq '[.peers[] | select(.connected)] | length') == $2)); }

# drops NAME REASON: how many packets died of it, over all peers.
drops() { status_of "$1" | jq --arg reason "$2" '[.drops[] | select(.reason == $reason) | .packets] | add // 0'; }

# books_balance NAME: in = out + drops + punts for each walk, the drops by reason add up to the drops, and what was handed
# to wait has walked on, died waiting, or waits. Only between
# bursts is it so by contract, so the caller waits for quiet or asks again.
books_balance() {
  local status
  status=$(status_of "$1")
  jq -e '
    . as $status | (.walks | length) == 2 and all(.walks[];
      . as $walk
      | (.received + .originated + .resumed) == (.transmitted + .dropped + ([.punted[].count] | add // 0))
      and .dropped == ([$status.drops[] | select(.direction == $walk.direction and .stage != "waiting") | .packets] | add // 0))
      and ([.walks[].punted[] | select(.name | startswith("await")) | .count] | add)
        == ([.walks[].resumed] | add) + ([.drops[] | select(.stage == "waiting") | .packets] | add // 0)
          + ([.peers[].held_packets] | add // 0)' \
    <<<"$status" >/dev/null || { jq -c '.walks[], .drops' <<<"$status"; return 1; }
}
