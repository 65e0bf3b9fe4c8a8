#!/usr/bin/env bash
# Every key of a pair of gateways is changed under traffic, and not a packet is lost.
#
#   east-pod1 --- east-gw ======= west-gw --- west-pod1        (test/support/pair.sh)
#
# Numbered datagrams flow both ways. East's administrator has the new keys first, west's some seconds later: nobody can
# change both ends at one moment.
# shellcheck source=test/support/begin.sh
. "$(dirname "$0")/../support/begin.sh" rotation "${1:-}"
. "$support/pair.sh"
. "$support/stream.sh"

rotating() { status_of "$1" | jq -e '.peers[0].rotating' >/dev/null; }
settled() { ! rotating "$1"; }
# new_keys NAME...: each gets a key pair of the next generation; nobody is told yet.
new_keys() {
  local name
  for name in "$@"; do
    (umask 077 && wg genkey >"$work/$name/new.key")
    wg pubkey <"$work/$name/new.key" >"$work/$name/public.key"
  done
}
# A document names its keys' files: what changes is in the files, but for the peer's public key.
take_new_keys() {
  local name=$1 other=$2
  if [[ -f $work/$name/new.key ]]; then mv "$work/$name/new.key" "$work/$name/private.key"; fi
  sed -i "s#publicKey: .*#publicKey: $(public_key "$other")#" "$work/$name/gateway.yaml"
  ctl "$name" apply "$work/$name/gateway.yaml"
}
handshake_of() { status_of "$1" | jq '.peers[0].last_handshake_seconds'; }

# rotate WORDS: what was changed is applied by east, then by west, under traffic.
rotate() {
  local words=$1 before
  before=$(status_of east | jq -r .public_key)
  stream_start eastward west-pod1 east-pod1 "$east_pod_in_west" 9001 500 8
  stream_start westward east-pod1 west-pod1 "$west_pod_in_east" 9001 500 8
  sleep 0.5
  claim "$words: east takes it" take_new_keys east west
  claim "$words: east says that it waits for the other side" eventually 2 rotating east
  sleep 2
  claim "$words: west takes it" take_new_keys west east
  claim "$words: both have agreed with the new keys" eventually 7 settled east
  claim "$words: west too" eventually 3 settled west
  stream_end eastward westward
  claim "$words: nothing was lost eastward" lost_nothing eastward
  claim "$words: nothing was lost westward" lost_nothing westward
  [[ $words != *static* ]] || claim "$words: the gateway has another key" test "$before" != "$(status_of east | jq -r .public_key)"
}

pair_up

new_keys east
rotate "east's static key"
new_keys east west
rotate "both static keys"
(umask 077 && wg genpsk | tee "$work/east/west.psk" >"$work/west/east.psk")
rotate "the pre-shared key"

# The old keys are gone: a gateway that still had them would not be let in.
claim "the books balance" eventually 3 books_balance east
claim "and west's" eventually 3 books_balance west

claims_done
