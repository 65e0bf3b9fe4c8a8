"""bench_report.py CASES [JSON]: the benches' lines as tables for a person, and as one JSON array for a program."""

import json
import platform
import subprocess
import sys


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    flags = next((line for line in open("/proc/cpuinfo") if line.startswith("flags")), "")
    simd = [name for name in ("avx2", "avx512f", "avx512ifma") if name in flags.split()]
    compiler = subprocess.run(["g++", "-dumpfullversion"], capture_output=True, text=True, check=False).stdout.strip()
    return {"cpu": model, "simd": " ".join(simd) or "none", "kernel": platform.release(), "compiler": f"g++ {compiler}"}


def walk_rows(cases):
    yield f"{'walk':<9}{'aead':<9}{'bytes':>6}{'peers':>6}{'maps':>6}{'burst':>6}{'cycles':>9}{'+-':>7}  {'without AEAD':>12}  stages"
    for case in cases:
        stages = case["stages"]
        crypto = stages.get("seal", 0) + stages.get("open", 0)
        others = "  ".join(f"{name} {cycles:.0f}" for name, cycles in stages.items())
        yield (f"{case['name']:<9}{case['aead']:<9}{case['bytes']:>6}{case["peers"]:>6}{case['mappings']:>6}{case['burst']:>6}"
               f"{case['cycles_per_packet']:>9.0f}{case['spread']:>7.0f}  {case['cycles_per_packet'] - crypto:>12.0f}  {others}")


def other_rows(cases):
    for case in cases:
        fields = {key: value for key, value in case.items() if key not in ("name", "reference", "cycles_per_packet", "spread")}
        line = f"{case['name']:<9}" + "  ".join(f"{key} {value:.0f}" if isinstance(value, float) else f"{key} {value}" for key, value in fields.items())
        if "cycles_per_packet" in case:
            line += f"  cycles {case['cycles_per_packet']:.0f} +- {case['spread']:.0f}"
        for name, cycles in case.get("reference", {}).items():
            line += f"  {name} {cycles:.0f} ({cycles / case['cycles_per_packet']:.2f} x)"
        yield line


def main():
    cases = [json.loads(line) for line in open(sys.argv[1])]
    about = machine()
    print("TSC cycles a packet, median of all runs; +- is the median deviation from it.")
    print("machine: " + ", ".join(f"{key} {value}" for key, value in about.items()))
    walks = [case for case in cases if "stages" in case]
    others = [case for case in cases if "stages" not in case]
    if walks:
        print()
        print("\n".join(walk_rows(walks)))
    if others:
        print("\n" + "\n".join(other_rows(others)))
    if len(sys.argv) > 2:
        with open(sys.argv[2], "w") as file:
            json.dump([case | {"machine": about} for case in cases], file, indent=1)
            file.write("\n")


main()
