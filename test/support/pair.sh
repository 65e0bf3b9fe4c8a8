# shellcheck shell=bash
# Two clusters with equal addresses and unequal mappings, for tests that need traffic rather than the pilot's story.
# Sourced after begin.sh.
#
#   east-pod1 10.244.1.11 --- east-gw 192.0.2.1 ======= 192.0.2.2 west-gw --- west-pod1 10.244.2.12
#                                            pre-shared key
#
#   east sees west's 10.62.0.0/16 as 10.71.0.0/16; west presents itself as 10.62.0.0/16
#   west sees east's 10.244.0.0/16 as 10.81.0.0/16

west_pod_in_east=10.71.2.12
east_pod_in_west=10.81.1.11
# Where each finds the other; a test may put something between them.
east_endpoint=192.0.2.1:51820
west_endpoint=192.0.2.2:51820

pair_documents() {
  make_keys east west
  (umask 077 && wg genpsk | tee "$work/east/west.psk" >"$work/west/east.psk")
  { document east && cat <<YAML; } >"$work/east/gateway.yaml"
  - name: west
    publicKey: $(public_key west)
    presharedKeyFile: $work/east/west.psk
    endpoint: $west_endpoint
    remote: [{real: 10.62.0.0/16, seenAs: 10.71.0.0/16}]
YAML
  { document west && cat <<YAML; } >"$work/west/gateway.yaml"
  - name: east
    publicKey: $(public_key east)
    presharedKeyFile: $work/west/east.psk
    endpoint: $east_endpoint
    remote: [{real: 10.244.0.0/16, seenAs: 10.81.0.0/16}]
    local: [{real: 10.244.0.0/16, seenAs: 10.62.0.0/16}]
YAML
}

pair_network() {
  add_underlay
  add_cluster east 192.0.2.1 pod1=10.244.1.11
  add_cluster west 192.0.2.2 pod1=10.244.2.12
  pair_documents
}

pair_start() {
  start_gateway east
  start_gateway west
  wait_for 15 connected east 1 || die "east did not connect"
  wait_for 5 connected west 1 || die "west did not connect"
  # The first packets also resolve neighbours; what a test counts starts after them.
  wait_for 5 in_ns east-pod1 ping -q -c 1 -W 1 "$west_pod_in_east" || die "the pair does not forward"
}

pair_up() {
  pair_network
  pair_start
}
