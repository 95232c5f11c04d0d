"""How many mails a second one worker delivers through Resend's batches. Needs PostgreSQL.

    python benchmarks/batch_rate.py [--mails 5000] [--latency 0.02] [--threads 8] [--limit 0]

One process drains, as a Celery worker would; the provider is the strict stand-in as a process of its own. Target with
20 ms latency: at least 1,500 mails/s without a limit; with ``--limit 5``, the calls a second that the provider takes,
at least 450 mails/s, and no call refused.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.drain_rate import delivered
from benchmarks.figures import report

TARGETS = {0: 1500.0, 5: 450.0}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mails", type=int, default=5000)
    parser.add_argument("--latency", type=float, default=0.02)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--limit", type=int, choices=TARGETS, default=0)
    arguments = parser.parse_args()
    seconds, at_provider = delivered(
        "resend", arguments.mails, latency=arguments.latency, threads=arguments.threads, limit=arguments.limit
    )
    rate, target = arguments.mails / seconds, TARGETS[arguments.limit]
    print(f"{arguments.mails} mails in {seconds:.2f} s; at most {at_provider['most_in_a_second']} calls in any second")
    is_reached = report("emails per second, in batches", rate, target, "/s", at_least=True)
    is_reached &= report("calls", at_provider["calls"], -(-arguments.mails // 100))
    is_reached &= report("emails that arrived", at_provider["accepted"], arguments.mails, at_least=True)
    return 0 if is_reached else 1


if __name__ == "__main__":
    sys.exit(main())
