"""Memory, rate, and longest wait while 48 people sign up and log in at once, for a minute.

    python benchmarks/login_storm.py                     needs PostgreSQL and redis-server; --seconds 10 is shorter
    python benchmarks/login_storm.py --url https://app.example.com --address 127.0.0.1 --process 4711
                                                         docker-compose.production.yml: the process is gunicorn's, and
                                                         .env sets the limits to 1000000/second; --prepare prints the
                                                         code that creates the accounts (manage.py shell -c)

Starts gunicorn with the arguments of the image under settings.production. Half of the people sign up; the others log in
with the right password, with a wrong one, and with an address that has no account. A shorter storm before it meets the
same server with Django's own hasher: 100 MiB and eight threads for each hash, and as many at once as requests.
"""

import argparse
import http.client
import json
import re
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from itertools import count, cycle
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.figures import report
from tests.support.stack import RedisServer, Stack, temporary_database, wait_until

PEOPLE = 48
KNOWN = 200  # accounts that exist before
PASSWORD = "violet-kettle-orbit-47"
MEMORY_TARGET, WAIT_TARGET, RATE_TARGET = 450.0, 10.0, 2.0
BASELINE_SECONDS = 15.0
PATIENCE = 120  # seconds until a request counts as hung
NO_LIMIT = "1000000/second"


@dataclass(frozen=True)
class Result:
    rate: float  # requests per second
    longest_wait: float  # seconds
    turned_away: int
    memory: float = 0.0  # MB


@dataclass
class Storm:
    """The clients of the storm, and what they measured."""

    url: str
    address: str = ""  # where to connect instead of the host in the URL; any certificate is accepted then
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    numbers: "count[int]" = field(default_factory=count)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def rage(self, duration: float) -> float:
        """Let everyone send requests for this many seconds; returns how long it took until all were answered."""
        started = time.monotonic()
        people = [threading.Thread(target=self.send_until, args=[started + duration, n]) for n in range(PEOPLE)]
        for person in people:
            person.start()
        for person in people:
            person.join()
        return time.monotonic() - started

    def send_until(self, end: float, person: int) -> None:
        for kind in cycle(["sign-up"] if person % 2 else ["login", "wrong password", "unknown address"]):
            if time.monotonic() >= end:
                return
            started = time.monotonic()
            path, body = self.request(kind)
            client = self.connect()  # a new connection each time, as a proxy opens them
            client.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            status = client.getresponse().status
            client.close()
            self.note(kind, status, time.monotonic() - started)

    def connect(self) -> http.client.HTTPConnection:
        site = urlsplit(self.url)
        if site.scheme == "http":
            return http.client.HTTPConnection(site.netloc, timeout=PATIENCE)
        client = http.client.HTTPSConnection(site.netloc, timeout=PATIENCE)
        if self.address:
            context = ssl._create_unverified_context()
            line = socket.create_connection((self.address, site.port or 443), timeout=PATIENCE)
            client.sock = context.wrap_socket(line, server_hostname=site.hostname)
        return client

    def request(self, kind: str) -> tuple[str, dict[str, str]]:
        number = next(self.numbers)
        if kind == "sign-up":
            return "/api/accounts/signup/", {"email": f"new-{number}@example.com", "name": "Ada", "password": PASSWORD}
        who = "unknown" if kind == "unknown address" else "known"
        password = "wrong" if kind == "wrong password" else PASSWORD
        return "/api/accounts/login/", {"email": f"{who}-{number % KNOWN}@example.com", "password": password}

    def note(self, kind: str, status: int, seconds: float) -> None:
        with self.lock:
            self.statuses[kind, status] += 1
            self.seconds.setdefault(kind, []).append(seconds)


class MemoryWatch(threading.Thread):
    """Samples the resident memory of a process and its children."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.peak = 0.0
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.wait(0.05):
            self.peak = max(self.peak, self.megabytes())

    def megabytes(self) -> float:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return sum(map(resident_megabytes, [str(self.pid), *children]))


def resident_megabytes(pid: str) -> float:
    with suppress(OSError):
        return int(re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[0]) / 1024
    return 0.0


def gunicorn_arguments() -> list[str]:
    """Return the arguments of the image's gunicorn, except for what only works in a container."""
    arguments = re.findall(r'GUNICORN_CMD_ARGS="(.+)"', (ROOT / "Dockerfile").read_text())[0]
    return [argument for argument in re.findall(r"--[a-z-]+=\S+|--[a-z-]+", arguments) if "log" not in argument]


ADD_PEOPLE = (
    "from django.utils import timezone\n"
    "from django.contrib.auth.hashers import make_password\n"
    "from accounts.models import User\n"
    f"password, now = make_password({PASSWORD!r}), timezone.now()\n"
    "User.objects.bulk_create(User(email=f'known-{n}@example.com', password=password, email_verified_at=now)\n"
    f"                         for n in range({KNOWN}))"
)


def start(stack: Stack) -> "subprocess.Popen[bytes]":
    """Start the web server as the image does; returns its process."""
    stack.manage("migrate", "-v", "0")
    stack.manage("collectstatic", "--no-input", "-v0")
    stack.manage("shell", "-v", "0", "-c", ADD_PEOPLE)
    bind = f"--bind=127.0.0.1:{stack.port}"
    server = stack.start("web", sys.executable, "-m", "gunicorn", "myproject.wsgi", *gunicorn_arguments(), bind)
    wait_until(stack.web_answers, "the web server answers")
    return server


def measure_image(seconds: float) -> bool:
    """Measure the image's gunicorn on this machine, with Django's own hasher and with ours."""
    default = storm_at_image("benchmarks.default_hashing", BASELINE_SECONDS)
    print(f"with Django's hasher: longest wait {default.longest_wait:.1f} s, {default.memory:,.0f} MB\n")
    ours = storm_at_image("settings.production", seconds)
    is_reached = report_waits(ours)
    is_reached &= report(
        "requests per second / with Django's hasher", ours.rate / default.rate, RATE_TARGET, at_least=True
    )
    return is_reached & report("memory of the web server", ours.memory, MEMORY_TARGET, " MB")


def storm_at_image(settings: str, seconds: float) -> Result:
    with ExitStack() as cleanup:
        redis = RedisServer().start()
        cleanup.callback(redis.stop)
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory()))
        database = cleanup.enter_context(temporary_database())
        limits = dict.fromkeys(("THROTTLE_SIGNUP", "THROTTLE_LOGIN", "THROTTLE_LOGIN_ACCOUNT"), NO_LIMIT)
        environment = {"REDIS_URL": redis.url, "EMAIL_PROVIDER": "resend", "RESEND_API_KEY": "re_benchmark", **limits}
        environment |= {"TRUSTED_PROXY_COUNT": "0", "DJANGO_SETTINGS_MODULE": settings}
        stack = cleanup.enter_context(Stack(folder, database, environment))
        server = start(stack)
        Storm(stack.url("")).rage(2)  # until every thread has handled a request
        watch = MemoryWatch(server.pid)
        watch.start()
        result = measure(stack.url(""), seconds)
        watch.stopped.set()
        return replace(result, memory=watch.peak)


def measure_site(url: str, address: str, process: int | None, seconds: float) -> bool:
    """Measure a running site, and the memory of its web server if its process is on this machine."""
    watch = MemoryWatch(process) if process else None
    if watch:
        watch.start()
    is_reached = report_waits(measure(url, seconds, address))
    return is_reached & (not watch or report("memory of the web server", watch.peak, MEMORY_TARGET, " MB"))


def measure(url: str, seconds: float, address: str = "") -> Result:
    """Return what the clients measured, without the memory."""
    storm = Storm(url, address)
    elapsed = storm.rage(seconds)
    answered = sum(number for (_, status), number in storm.statuses.items() if status < 500)
    for (kind, status), number in sorted(storm.statuses.items()):
        print(f"{kind}: {number} × {status}, median {statistics.median(storm.seconds[kind]) * 1000:.0f} ms")
    print(f"{answered / elapsed:.1f} requests per second")
    turned_away = sum(number for (_, status), number in storm.statuses.items() if status in (429, 503))
    return Result(answered / elapsed, max(max(waits) for waits in storm.seconds.values()), turned_away)


def report_waits(result: Result) -> bool:
    """Report whether nobody waited long or was turned away."""
    is_reached = report("longest wait", result.longest_wait, WAIT_TARGET, " s")
    return is_reached & report("people who were turned away", result.turned_away, 0)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url")
    parser.add_argument("--address", default="")
    parser.add_argument("--process", type=int)
    parser.add_argument("--prepare", action="store_true")
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    if options.prepare:
        print(ADD_PEOPLE)
        return 0
    if options.url:
        is_reached = measure_site(options.url, options.address, options.process, options.seconds)
    else:
        is_reached = measure_image(options.seconds)
    return 0 if is_reached else 1


if __name__ == "__main__":
    sys.exit(main())
