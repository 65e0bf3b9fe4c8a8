# shellcheck shell=bash
# What every script needs: where things are, how to say something, how to build, how to wait. Sourced, never run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
lib=$root/scripts/lib

# Programs must say the same everywhere; the system's Python before any other; no byte code beside the sources.
export LC_ALL=C PYTHONDONTWRITEBYTECODE=1
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH

say() { printf '%s\n' "$@"; }  # a line for each argument
die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# wait_for SECONDS COMMAND...: until the command succeeds; fails when the time is over.
wait_for() {
  local deadline=$((${EPOCHREALTIME/./} + $1 * 1000000))
  shift
  until "$@" >/dev/null 2>&1; do
    ((${EPOCHREALTIME/./} < deadline)) || return 1
    sleep 0.05
  done
}

microseconds() { printf '%s' "${EPOCHREALTIME/./}"; }

# configure_tree DIRECTORY [CMAKE ARGUMENT...]: cheap when nothing changed. Warnings are errors in every tree, so that
# what scripts/check compiles is what scripts/test runs.
configure_tree() {
  local directory=$1
  shift
  local launcher=()
  if command -v ccache >/dev/null; then
    launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  fi
  cmake -S "$root" -B "$directory" -G Ninja --log-level=WARNING -DCMAKE_BUILD_TYPE=RelWithDebInfo -DISTHMUS_WERROR=ON \
    "${launcher[@]}" "$@" >/dev/null
}

# build_tree DIRECTORY [TARGET...]: quiet when it goes well.
build_tree() {
  local directory=$1 log
  shift
  log=$directory/build.log
  if ! nice ninja -C "$directory" "$@" >"$log" 2>&1; then
    grep -vE '^\[[0-9]+/[0-9]+\]|^ninja: Entering' "$log" | head -100 >&2
    return 1
  fi
}

# The tree that everybody uses: the demo, the tests, the benchmarks. ISTHMUS_BUILD names one that exists already, and
# it is used as it is.
build_programs() {
  build=${ISTHMUS_BUILD:-$root/build}
  if [[ -z ${ISTHMUS_BUILD:-} ]]; then
    configure_tree "$build" && build_tree "$build" "$@"
  fi
}
