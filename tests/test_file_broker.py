"""The broker of bin/dev: a reader gets whole messages even while another process writes."""

import subprocess
import sys

from kombu import Connection

from tests.support.stack import HUNG_AFTER, ROOT

MESSAGES = 150
TRANSPORT = "myproject.development.broker:Transport"
WRITER = f"""
import sys
from kombu import Connection
folders = dict.fromkeys(["data_folder_in", "data_folder_out", "control_folder"], sys.argv[1])
transport = "myproject.development.broker:Transport"
with Connection("filesystem://", transport=transport, transport_options=folders) as connection:
    queue = connection.SimpleQueue("celery")
    for number in range({MESSAGES}):
        queue.put({{"number": number, "padding": "x" * 500_000}})
"""


def test_reader_never_sees_half_a_message(tmp_path):
    folders = dict.fromkeys(["data_folder_in", "data_folder_out", "control_folder"], str(tmp_path))
    options = {**folders, "polling_interval": 0.001}
    with (
        subprocess.Popen([sys.executable, "-c", WRITER, tmp_path], cwd=ROOT) as writer,
        Connection(
            "filesystem://", transport="myproject.development.broker:Transport", transport_options=options
        ) as connection,
    ):
        queue = connection.SimpleQueue("celery")
        numbers = [queue.get(timeout=HUNG_AFTER).payload["number"] for _ in range(MESSAGES)]
    assert writer.returncode == 0
    assert sorted(numbers) == list(range(MESSAGES))
