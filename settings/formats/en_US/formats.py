"""The admin's dates: in the order in which they sort, with seconds and the time zone, as in logs."""

DATE_FORMAT = "Y-m-d"
DATETIME_FORMAT = "Y-m-d H:i:s T"
