#!/usr/bin/env bash
# A real Prometheus scrapes a gateway of the pilot (the drawing is in scripts/lib/pilot.sh) and answers the queries of
# Liqo's dashboard with the numbers that the gateway itself tells.
#
#   crownlabs-gw: isthmusd 127.0.0.1:8084/metrics <--- prometheus 127.0.0.1:9090 <--- this script
# shellcheck source=test/support/begin.sh
. "$(dirname "$0")/../support/begin.sh" prometheus "${1:-}"
. "$support/stream.sh"

start_prometheus() {
  cat >"$work/prometheus.yaml" <<YAML
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: gateway
    static_configs: [{targets: ['127.0.0.1:8084']}]
YAML
  start_in crownlabs-gw "$work/prometheus.log" prometheus --config.file="$work/prometheus.yaml" \
    --storage.tsdb.path="$work/prometheus" --web.listen-address=127.0.0.1:9090
  wait_for 10 in_ns crownlabs-gw curl -sf http://127.0.0.1:9090/-/ready
}

# ask QUERY: the values it answers with, one a line, sorted by series.
ask() {
  in_ns crownlabs-gw curl -sS --max-time 5 http://127.0.0.1:9090/api/v1/query --data-urlencode "query=$1" |
    jq -r 'if .status == "success" then .data.result | sort_by(.metric | tostring)[] | .value[1] else .error end'
}
answers_with() { equal "$1" "$2" "$(ask "$1")"; }

# near QUERY EXPECTED PERCENT
near() {
  local value
  value=$(ask "$1")
  jq -en --argjson value "${value:-0}" --argjson expected "$2" --argjson percent "$3" \
    '($value - $expected | fabs) <= $expected * $percent / 100' >/dev/null ||
    { say "$1: $value, expected $2 within $3 %"; return 1; }
}

# told PEER FIELD METRIC: what Prometheus has is what the gateway's own status says, once nothing moves.
same_number() {
  answers_with "$3{cluster_id=\"$1\"}" "$(status_of crownlabs | jq --arg peer "$1" ".peers[] | select(.name == \$peer) | .$2")"
}

pilot_up || die "the clusters did not connect"
start_prometheus || die "prometheus did not start: $(tail -3 "$work/prometheus.log")"
# It takes up to five seconds to find its targets. A rate over a window that is not full yet is too low.
wait_for 15 answers_with up 1 || die "prometheus does not scrape: $(ask up)"

# 200 datagrams a second to netlab, with 0 to 1199 bytes of text: WireGuard messages of 8+28+32 to 1199+8+28+32 bytes
# and padding, on average 675 bytes.
stream_start netlab crownlabs-pod1 netlab-pod1 "$(view crownlabs netlab pod1)" 9001 200 14
sleep 13
liqo_sent='sum by (cluster_id) (rate(liqo_peer_transmit_bytes_total{cluster_id="netlab"}[10s])) * 8'
claim "cross-cluster traffic: the rate is what was sent" near "$liqo_sent" $((200 * 675 * 8)) 10
claim "aggregated traffic: one series a peer" equal series 2 \
  "$(ask 'sum by (cluster_id) (rate(liqo_peer_transmit_bytes_total[10s])) * 8' | wc -l)"
stream_end netlab
claim "nothing was lost while it was scraped" lost_nothing netlab

claim "connectivity of netlab" answers_with 'liqo_peer_is_connected{cluster_id="netlab"}' 1
claim "connected clusters" answers_with \
  'label_replace(label_replace(sum(liqo_peer_is_connected), "pod", "", "", ""), "instance", "", "", "")' 2
claim "disconnected clusters" answers_with \
  'label_replace(count(liqo_peer_is_connected) - sum(liqo_peer_is_connected), "pod", "", "", "")' 0
claim "the variable clusterid" equal labels '["netlab","topix"]' "$(in_ns crownlabs-gw curl -sS \
  'http://127.0.0.1:9090/api/v1/label/cluster_id/values?match[]=liqo_peer_is_connected' | jq -c .data)"
claim "WireGuard implementation" answers_with 'liqo_wireguard_implementation{driver="wireguard"}' 1

for peer in netlab topix; do
  claim "bytes sent to $peer" eventually 5 same_number "$peer" transmit_bytes liqo_peer_transmit_bytes_total
  claim "bytes received from $peer" eventually 5 same_number "$peer" receive_bytes liqo_peer_receive_bytes_total
done
claim "Prometheus lost no scrape" answers_with 'min_over_time(up[10s])' 1

claims_done
