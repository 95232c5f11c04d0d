"""The bell: ringing costs a request nothing, whatever the broker does."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.stack import HUNG_AFTER

ROOT = Path(__file__).resolve().parent.parent.parent
RING = """
import logging, os, sys, threading
import django; django.setup()
from celery import current_app
from emails.wakeup import wake_worker
is_published, is_logged = threading.Event(), threading.Event()
send_task = current_app.send_task
def publish(*args, **kwargs):
    send_task(*args, **kwargs)
    is_published.set()
current_app.send_task = publish
class Handler(logging.Handler):
    def emit(self, record):
        print(record.getMessage(), flush=True)
        is_logged.set()
logging.getLogger("emails.wakeup").addHandler(Handler())
def ring():
    is_published.clear(), is_logged.clear()
    for _ in range(1000):
        wake_worker()
    {what_follows}.wait()
    print("rung", flush=True)
ring()
if os.fork() == 0:
    ring()
    os._exit(0)
os.wait()
"""
RING_WHILE_A_PUBLISH_HANGS = """
import threading
import django; django.setup()
from celery import current_app
from emails.wakeup import wake_worker
is_publishing, for_ever = threading.Event(), threading.Event()
def publish(*args, **kwargs):
    is_publishing.set()
    for_ever.wait()
current_app.send_task = publish
wake_worker()
is_publishing.wait()
for _ in range(1000):
    wake_worker()
print("rung", flush=True)
"""


def run(code: str, broker: str) -> str:
    """What a process printed. That it ends shows that nothing in it waited for the broker."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "settings.test", "CELERY_BROKER_URL": broker}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=HUNG_AFTER)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_thousand_rings_cost_nothing_while_the_broker_is_away():
    printed = run(RING.replace("{what_follows}", "is_logged"), "redis://127.0.0.1:1/0")
    assert printed.count("rung") == 2
    assert printed.count("the sweep will find it") == 2, "said once in each process"


def test_a_thousand_rings_and_the_end_of_the_process_do_not_wait_for_a_publish_that_hangs():
    assert run(RING_WHILE_A_PUBLISH_HANGS, "memory://localhost/") == "rung\n"


def test_a_broker_that_answers_is_told_without_a_word():
    assert run(RING.replace("{what_follows}", "is_published"), "memory://localhost/") == "rung\n" * 2
