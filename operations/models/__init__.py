"""The tables of operations, one per module."""

from operations.models.heartbeats import Heartbeat as Heartbeat
from operations.models.heartbeats import Role as Role
from operations.models.reports import Report as Report
