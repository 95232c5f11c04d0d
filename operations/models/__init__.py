"""The tables of operations, one per module."""

from operations.models.counts import CountedHour as CountedHour
from operations.models.counts import DeletedEmails as DeletedEmails
from operations.models.counts import EmailCount as EmailCount
from operations.models.counts import MoneyCount as MoneyCount
from operations.models.heartbeats import Heartbeat as Heartbeat
from operations.models.heartbeats import Role as Role
from operations.models.reports import Report as Report
from operations.models.totals import Counted as Counted
from operations.models.totals import Total as Total
