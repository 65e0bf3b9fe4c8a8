"""The C++ sources of the house, and their text without comments and strings. For the gates of scripts/check."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("dataplane", "nat", "tunnel", "control", "bench", "test")

# No I/O, no clock, no lock: floors 0 to 2, but for the ends of the API socket and the log, which both programs share.
PURE = ["dataplane/packet/*", "dataplane/route/*", "dataplane/pipeline/*", "nat/*", "tunnel/*", "dataplane/config/codec*",
        "dataplane/config/compile*", "dataplane/config/desired_state*", "dataplane/config/valid*",
        "dataplane/config/drift*", "dataplane/config/wg_*"]

# One alternative for each thing whose words are not code. A quote between hex digits separates digits.
_NOT_CODE = re.compile(
    r"""//[^\n]*
      | /\*.*?\*/
      | R"([^()\\\s]*)\(.*?\)\1"
      | "(?:\\.|[^"\\\n])*"
      | (?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'""",
    re.DOTALL | re.VERBOSE,
)


def files(*suffixes):
    """Every source as (path from the root, text), in a stable order."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (suffixes or (".h", ".cc")):
                yield path.relative_to(ROOT).as_posix(), path.read_text()


def code_lines(text):
    """The text's lines with comments and strings blanked, so that line numbers stay."""
    return _NOT_CODE.sub(lambda match: "\n" * match.group().count("\n") or " ", text).split("\n")
