"""Emails per second that one worker delivers through Resend's batches. Needs PostgreSQL.

    python benchmarks/batch_rate.py [--emails 5000] [--latency 0.02] [--threads 8] [--limit 0]

This process drains the outbox as a Celery worker would. A stand-in in another process plays the provider. With
``--limit 5``, it accepts 5 calls per second. Targets at 20 ms latency: at least 1,500 emails/s without a limit, and at
least 450 emails/s with a limit of 5 and without a refused call.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.drain_rate import deliver_to_standin
from benchmarks.figures import report

TARGETS = {0: 1500.0, 5: 450.0}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--emails", type=int, default=5000)
    parser.add_argument("--latency", type=float, default=0.02)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--limit", type=int, choices=TARGETS, default=0)
    arguments = parser.parse_args()
    seconds, at_provider = deliver_to_standin(
        "resend", arguments.emails, latency=arguments.latency, threads=arguments.threads, limit=arguments.limit
    )
    rate, target = arguments.emails / seconds, TARGETS[arguments.limit]
    print(
        f"{arguments.emails} emails in {seconds:.2f} s, with at most {at_provider['most_in_a_second']} calls per second"
    )
    is_reached = report("emails per second, in batches", rate, target, "/s", at_least=True)
    # Resend takes 100 emails per call, so a refused or a half-empty call shows in the count.
    is_reached &= report("calls", at_provider["calls"], -(-arguments.emails // 100))
    is_reached &= report("accepted emails", at_provider["accepted"], arguments.emails, at_least=True)
    return 0 if is_reached else 1


if __name__ == "__main__":
    sys.exit(main())
