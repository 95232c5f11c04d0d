"""How long others wait while 300 slow connections, uploads of 300 MB, and requests with 10,000 header bytes arrive.

    python benchmarks/slow_clients.py                                           gunicorn without a proxy
    python benchmarks/slow_clients.py https://app.example.com --address 127.0.0.1      docker-compose.production.yml

Target: /healthz and a login answer within a second.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.figures import report
from tests.support.site import Site
from tests.support.slow_clients import Server, measure


def run(server: Server) -> bool:
    result = measure(server)
    print(f"slow connections: {result['open']}, uploaded: {result['uploaded'] / 1e6:.0f} MB")
    for kind, statuses in result["statuses"].items():
        print(f"statuses of {kind}: {sorted(set(statuses))}")
    is_reached = True
    for kind in ("healthz", "login"):
        answers = result[kind]
        print(f"statuses of {kind}: {sorted({status for status, _ in answers})}")
        is_reached &= report(f"{kind}, longest wait", max(seconds for _, seconds in answers), 1, " s")
        is_reached &= report(f"{kind}, without an answer", sum(not status for status, _ in answers), 0)
    return is_reached


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("url", nargs="?")
    parser.add_argument("--address", default="")
    arguments = parser.parse_args()
    if arguments.url:
        return 0 if run(Server(arguments.url, arguments.address)) else 1
    with tempfile.TemporaryDirectory() as folder, Site(Path(folder)) as site:
        return 0 if run(Server(site.url)) else 1


if __name__ == "__main__":
    sys.exit(main())
