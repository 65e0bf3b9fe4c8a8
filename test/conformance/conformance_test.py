"""conformance_test.py CLAUSES DIRECTORY: runs the tests that each clause names, from the programs in DIRECTORY, and prints the
table. A clause whose tests are missing is as wrong as one whose tests fail."""

import json
import pathlib
import subprocess
import sys
import tempfile


def read_clauses(file):
    rows = []
    for line in file.read_text().splitlines():
        if line and not line.startswith("#"):
            clause, asks, program, tests = (cell.strip() for cell in line.split("|"))
            rows.append((clause, asks, program, tests))
    return rows


def run(program, tests):
    """How many tests ran, and how many of them failed."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        done = subprocess.run([program, f"--gtest_filter={tests}", f"--gtest_output=json:{report.name}"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120, check=False)
        try:
            told = json.load(report)
        except ValueError:
            return 0, 1
    ran = [test for suite in told["testsuites"] for test in suite["testsuite"] if test["status"] == "RUN"]
    failed = [test for test in ran if test.get("failures")]
    return len(ran), max(len(failed), int(done.returncode != 0))


def main():
    rows = read_clauses(pathlib.Path(sys.argv[1]))
    directory = pathlib.Path(sys.argv[2])
    broken = 0
    for clause, asks, program, tests in rows:
        # Each pattern for itself: one that names nothing must not hide behind its neighbour.
        results = [run(directory / program, pattern) for pattern in tests.split(":")]
        holds = all(ran > 0 and failed == 0 for ran, failed in results)
        broken += not holds
        print(f"{'PASS' if holds else 'FAIL'}  {clause:<16} {asks:<80}  {sum(ran for ran, _ in results):>3} tests")
    print(f"{len(rows) - broken} of {len(rows)} clauses hold")
    return 1 if broken or not rows else 0


sys.exit(main())
