# shellcheck shell=bash
# One PASS or FAIL line for each claim. Sourced.

claims_failed=0

# claim "WORDS" COMMAND...: the command's output is shown only when the claim fails.
claim() {
  local words=$1 output
  shift
  if output=$("$@" 2>&1); then
    printf 'PASS  %s\n' "$words"
  else
    claims_failed=$((claims_failed + 1))
    printf 'FAIL  %s\n' "$words"
    [[ -z $output ]] || head -20 <<<"$output" | sed 's/^/      /'
  fi
}

# The last line of a test, and its exit code.
claims_done() {
  ((claims_failed == 0)) || say "$claims_failed claims FAILED"
  return $((claims_failed > 0))
}

# equal WHAT EXPECTED ACTUAL
equal() { [[ $2 == "$3" ]] || { say "$1: expected $2, got $3"; return 1; }; }

# eventually SECONDS COMMAND...: as wait_for, but what the command says when it still fails is heard.
eventually() { wait_for "$@" || "${@:2}"; }
