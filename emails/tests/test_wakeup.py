"""Wake-ups: they cost a request nothing, whatever the broker does."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.stack import HUNG_AFTER

ROOT = Path(__file__).resolve().parent.parent.parent
WAKE_UP = """
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
def wake_up():
    is_published.clear(), is_logged.clear()
    for _ in range(1000):
        wake_worker()
    {event}.wait()
    print("done", flush=True)
wake_up()
if os.fork() == 0:
    wake_up()
    os._exit(0)
os.wait()
"""
WAKE_UP_DURING_A_HANGING_PUBLISH = """
import threading
import django; django.setup()
from celery import current_app
from emails.wakeup import wake_worker
is_publishing, never = threading.Event(), threading.Event()
def publish(*args, **kwargs):
    is_publishing.set()
    never.wait()
current_app.send_task = publish
wake_worker()
is_publishing.wait()
for _ in range(1000):
    wake_worker()
print("done", flush=True)
"""


def run(code: str, broker: str) -> str:
    """Run code in a process and return its output. The process only ends if nothing in it waits for the broker."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "settings.test", "CELERY_BROKER_URL": broker}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=HUNG_AFTER)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_wake_ups_do_not_wait_while_broker_is_down():
    printed = run(WAKE_UP.replace("{event}", "is_logged"), "redis://127.0.0.1:1/0")
    assert printed.count("done") == 2
    assert printed.count("the sweep will find it") == 2, "logged once per process"


def test_hanging_publish_delays_neither_wake_ups_nor_exit():
    assert run(WAKE_UP_DURING_A_HANGING_PUBLISH, "memory://localhost/") == "done\n"


def test_wake_up_of_a_working_broker_logs_nothing():
    assert run(WAKE_UP.replace("{event}", "is_published"), "memory://localhost/") == "done\n" * 2
