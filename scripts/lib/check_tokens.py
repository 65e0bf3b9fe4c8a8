#!/usr/bin/python3
"""Words that must not stand in certain places: token, places, reason. Comments and strings do not count."""

import fnmatch
import re
import sys

import sources

PACKET_PATH = ["dataplane/packet/*", "dataplane/pipeline/*", "nat/*", "tunnel/aead*", "tunnel/replay_window*",
               "tunnel/mac_key*", "tunnel/source_limiter*", "tunnel/handshake_gate*"]
PRODUCT = ["dataplane/*", "nat/*", "tunnel/*", "control/*"]
EVERYWHERE = ["*"]

TABLE = [
    (r"\b(printf|fprintf|puts|fputs|perror|syslog|log_event)\s*\(|\bstd::(cout|cerr|clog)\b", sources.PURE,
     "pure code returns or counts; only the programs speak"),
    (r"#\s*include\s*<(iostream|syslog\.h)>", PACKET_PATH, "nothing on the packet path speaks"),
    (r"\b(throw|try|catch)\b", PACKET_PATH, "a peer's fault is a DropReason, a caller's bug asserts"),
    (r"\bnew\b|\b(malloc|calloc|realloc|strdup)\s*\(", PACKET_PATH, "no allocation on the packet path"),
    (r"\bstd::(mutex|shared_mutex|recursive_mutex|lock_guard|unique_lock|scoped_lock|condition_variable)\b",
     sources.PURE, "no locks in pure code"),
    (r"_clock::now\b|\b(clock_gettime|gettimeofday)\s*\(|\bstd::time\b|\brte_(get_)?(tsc|timer)", sources.PURE,
     "time is an argument"),
    (r"\b(sleep|usleep|nanosleep)\s*\(|\bsleep_(for|until)\b", sources.PURE, "pure code does not wait"),
    (r"\b(rand|srand|random|getrandom)\s*\(|\bstd::(random_device|mt19937(_64)?)\b|\bRAND_bytes\b", sources.PURE,
     "randomness comes from the host, so that tests can fix it"),
    (r"\b(memcmp|bcmp)\s*\(", ["tunnel/*"], "tags and keys are compared in constant time"),
    (r"\bthread_local\b|\bvolatile\b(?!\s*\()", sources.PURE, "state is handed in; shared fields are std::atomic"),
    (r"\brte_(panic|exit)\s*\(", PRODUCT, "a fault of the machine is an error message, not a crash"),
    (r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atof|alloca)\s*\(", EVERYWHERE, "has no bound or no error"),
    (r"\bstd::endl\b", PRODUCT, "flushes; write '\\n'"),
    (r"\busing\s+namespace\s+std\b(?!::)", EVERYWHERE, "says nothing about where a name comes from"),
    (r"\bstd::(regex|async)\b", PACKET_PATH, "allocates"),
]
# Unfinished work is an issue, not a comment; so here comments count. Spelled so that this line is not found.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
TEXT_SUFFIXES = {".h", ".cc", ".py", ".sh", ".md", ".txt", ".yaml", ""}
TEXT_FOLDERS = sources.FOLDERS + ("scripts", ".ci")


def forbidden():
    rules = [(re.compile(token), places, reason) for token, places, reason in TABLE]
    for path, text in sources.files():
        mine = [rule for rule in rules if any(fnmatch.fnmatch(path, place) for place in rule[1])]
        for number, line in enumerate(sources.code_lines(text), 1):
            for token, _, reason in mine:
                match = token.search(line)
                if match:
                    yield f"{path}:{number}: '{match.group().strip()}': {reason}"


def unfinished():
    for folder in TEXT_FOLDERS:
        for path in sorted((sources.ROOT / folder).rglob("*")):
            if path.suffix not in TEXT_SUFFIXES or not path.is_file() or "corpus" in path.parts:
                continue
            for number, line in enumerate(path.read_text(errors="replace").split("\n"), 1):
                if UNFINISHED.search(line):
                    yield f"{path.relative_to(sources.ROOT)}:{number}: unfinished work is an issue, not a comment"


def main():
    faults = list(forbidden()) + list(unfinished())
    print("\n".join(faults))
    return 1 if faults else 0


sys.exit(main())
