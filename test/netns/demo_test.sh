#!/usr/bin/env bash
# The demo's own claims, in namespaces of the test's (the drawing is in scripts/lib/pilot.sh).
set -euo pipefail
((EUID == 0)) || { echo "SKIPPED: needs root for network namespaces"; exit 77; }
root=$(cd "$(dirname "$0")/../.." && pwd)
ISTHMUS_BUILD=${1:-$root/build} ISTHMUS_PREFIX=isthmus-test-demo exec "$root/scripts/demo" --check
