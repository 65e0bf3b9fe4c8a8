# shellcheck shell=bash
# The pilot: three organisations, three clusters, one address plan that nobody coordinated. Sourced after
# scripts/lib/cluster.sh.
#
#   netlab                         crownlabs                          topix
#   10.244.0.0/16                  10.244.0.0/16                      10.244.0.0/16
#      |                               |                                  |
#   netlab-gw 192.0.2.2 ------- crownlabs-gw 192.0.2.1 ------- topix-gw 192.0.2.3
#             no pre-shared key                    pre-shared key
#
# Six mappings, no two alike. Four say how a cluster sees the pods of another (`remote`), two how a cluster presents its
# own (`local`). Between crownlabs and netlab both gateways translate only the other's addresses, as Liqo's do, and the
# tunnel carries real ones. Between crownlabs and topix each also presents its own, and no real address crosses.
#
#   crownlabs sees   netlab     10.244.0.0/16  as  10.71.0.0/16      in the tunnel 10.244.x -> 10.244.y
#   netlab    sees   crownlabs  10.244.0.0/16  as  10.81.0.0/16
#
#   crownlabs presents itself to topix         as  10.60.0.0/16      in the tunnel 10.60.x -> 10.62.y
#   topix     presents itself to crownlabs     as  10.62.0.0/16
#   crownlabs sees   topix      10.62.0.0/16   as  10.72.0.0/16
#   topix     sees   crownlabs  10.60.0.0/16   as  10.91.0.0/16
#
# Two administrators overreach, and their own gateways have no reason to object:
#   netlab maps 10.82.0.0/16 to 10.72.0.0/16, crownlabs' view of topix, and hopes for transit;
#   topix maps 10.92.0.0/16 to 10.96.0.0/16, crownlabs' services, which crownlabs never offered.

pilot_clusters=(crownlabs netlab topix)
# The pods have the same addresses in every cluster.
pilot_pods=(pod1=10.244.1.11 pod2=10.244.2.12)

# view CLUSTER OTHER POD: the address by which CLUSTER knows that pod of OTHER.
view() {
  local views=(crownlabs:netlab=10.71 netlab:crownlabs=10.81 crownlabs:topix=10.72 topix:crownlabs=10.91) entry pod
  for entry in "${views[@]}"; do
    [[ ${entry%%=*} == "$1:$2" ]] || continue
    for pod in "${pilot_pods[@]}"; do
      [[ ${pod%%=*} != "$3" ]] || printf '%s.%s' "${entry#*=}" "${pod#*=10.244.}"
    done
  done
}

pilot_documents() {
  make_keys "${pilot_clusters[@]}"
  (umask 077 && wg genpsk | tee "$work/crownlabs/topix.psk" >"$work/topix/crownlabs.psk")

  { document crownlabs && cat <<YAML; } >"$work/crownlabs/gateway.yaml"
  - name: netlab
    publicKey: $(public_key netlab)
    endpoint: 192.0.2.2:51820
    remote:
      - {real: 10.244.0.0/16, seenAs: 10.71.0.0/16}
  - name: topix
    publicKey: $(public_key topix)
    presharedKeyFile: $work/crownlabs/topix.psk
    endpoint: 192.0.2.3:51820
    remote:
      - {real: 10.62.0.0/16, seenAs: 10.72.0.0/16}
    local:
      - {real: 10.244.0.0/16, seenAs: 10.60.0.0/16}
YAML

  { document netlab && cat <<YAML; } >"$work/netlab/gateway.yaml"
  - name: crownlabs
    publicKey: $(public_key crownlabs)
    endpoint: 192.0.2.1:51820
    remote:
      - {real: 10.244.0.0/16, seenAs: 10.81.0.0/16}
      - {real: 10.72.0.0/16, seenAs: 10.82.0.0/16}  # hopes for transit to topix
YAML

  { document topix && cat <<YAML; } >"$work/topix/gateway.yaml"
  - name: crownlabs
    publicKey: $(public_key crownlabs)
    presharedKeyFile: $work/topix/crownlabs.psk
    endpoint: 192.0.2.1:51820
    remote:
      - {real: 10.60.0.0/16, seenAs: 10.91.0.0/16}
      - {real: 10.96.0.0/16, seenAs: 10.92.0.0/16}  # hopes for crownlabs' services
    local:
      - {real: 10.244.0.0/16, seenAs: 10.62.0.0/16}
YAML
}

pilot_up() {
  local cluster pod
  add_underlay
  add_cluster crownlabs 192.0.2.1 "${pilot_pods[@]}"
  add_cluster netlab 192.0.2.2 "${pilot_pods[@]}"
  add_cluster topix 192.0.2.3 "${pilot_pods[@]}"
  pilot_documents
  for cluster in "${pilot_clusters[@]}"; do start_gateway "$cluster"; done
  for cluster in "${pilot_clusters[@]}"; do
    for pod in "${pilot_pods[@]}"; do start_servers "$cluster-${pod%%=*}"; done
  done
  wait_for 15 connected crownlabs 2 && wait_for 5 connected netlab 1 && wait_for 5 connected topix 1
}

# start_servers POD: what the others talk to.
start_servers() {
  mkdir -p "$work/$1/www"
  printf 'hello from %s\n' "$1" >"$work/$1/www/index.html"
  start_in "$1" "$work/$1/log" python3 "$lib/echo.py" serve 7
  start_in "$1" "$work/$1/log" python3 "$lib/web.py" "$work/$1/www" 80
  start_in "$1" "$work/$1/log" iperf3 --server
}
