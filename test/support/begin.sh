# shellcheck shell=bash
# How every test script begins: begin.sh NAME [BUILD TREE]. Sourced.
#
# Each test has a prefix of its own, so that it meddles with neither a demo that somebody keeps nor another test.

set -euo pipefail
export ISTHMUS_PREFIX=isthmus-test-$1
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
build=${2:-$root/build}
support=$root/test/support
for part in net cluster pilot capture claims; do
  # shellcheck source=/dev/null
  . "$lib/$part.sh"
done

need_namespaces
begin

# Counts and times are asserted below; when they are wrong, what the programs said is worth more than the numbers.
show_logs_on_failure() {
  local status=$?
  ((status == 0 || status == 77)) || tail -n 30 "$work"/*/log >&2 2>/dev/null || true
  remove_everything
}
trap show_logs_on_failure EXIT
