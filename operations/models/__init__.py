"""The tables of operations, one per module."""

from operations.models.heartbeats import Heartbeat as Heartbeat
from operations.models.heartbeats import Role as Role
from operations.models.totals import Counted as Counted
from operations.models.totals import Total as Total
