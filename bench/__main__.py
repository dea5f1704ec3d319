"""``python -m bench``: every benchmark, one after the other, then docs/performance.md from their figures."""

from __future__ import annotations

import argparse
import subprocess
import sys

from bench import report

BENCHMARKS = ("probes", "program", "exposition", "hanging", "storage", "detection")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", default=BENCHMARKS, help=f"of {', '.join(BENCHMARKS)}; default: all")
    failed = []
    for name in parser.parse_args().names:
        print(f"== bench.{name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False).returncode:
            failed.append(name)
    report.main()
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
