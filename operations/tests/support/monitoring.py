"""A site that lives through minutes or hours within a second, and a Prometheus that scrapes it meanwhile.

The site is real: emails are queued, sent to an HTTP server, and reported by signed webhooks, and /metrics is what the
project responds. Only the time passes faster, by moving all stored times into the past.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from billing.tests.support.stripe_events import post as post_to_stripe_webhook
from emails.models import OutboundEmail, Status
from operations.heartbeats import Row
from operations.metrics import counting
from operations.models import Role
from operations.tests.support.scraping import TOKEN, pass_time
from tests.support.alert_rules import Rule, rules
from tests.support.promql import Samples, Series

STEP = timedelta(minutes=2)  # from one scrape to the next
numbers = count(1)


class Prometheus:
    """Scrapes the site and evaluates every rule."""

    def __init__(self) -> None:
        self.time = 0.0
        self.token = TOKEN
        self.samples = Samples()
        self.rules: list[Rule] = rules()
        self.firing: set[str] = set()
        self.fired: set[str] = set()

    def scrape(self, passed: timedelta) -> None:
        self.time += passed.total_seconds()
        response = Client().get("/metrics", headers={"authorization": f"Bearer {self.token}"})
        found: dict[Series, float] = {}
        if response.status_code == 200:
            for family in text_string_to_metric_families(response.content.decode()):
                found |= {(sample.name, frozenset(sample.labels.items())): sample.value for sample in family.samples}
        target = frozenset({("job", "myproject"), ("instance", "app.example.com:443")})
        found["up", target] = float(response.status_code == 200)
        self.samples.add(self.time, found)
        self.firing = {rule.name for rule in self.rules if rule.evaluate(self.samples, self.time)}
        self.fired |= self.firing


class Life:
    """What happens in the site between two scrapes. A test breaks it by changing an attribute."""

    def __init__(self, queue: Callable[..., Any], deliver: Callable[[], int], sender: Any) -> None:
        self.queue, self.deliver, self.sender = queue, deliver, sender
        self.prometheus, self.step = Prometheus(), STEP
        self.workers = self.beats = 1
        self.idle_for = {Role.WORKER: timedelta(seconds=5), Role.BEAT: timedelta(seconds=5)}
        self.emails = 2
        self.is_delivering = self.is_reporting = self.is_counting = self.is_paying = True
        self.priority = 1
        self.report = "email.delivered"
        self.reports_late_by = self.stripe_late_by = timedelta()

    def live(self, minutes: int) -> set[str]:
        """Let time pass, and return the alerts that fire at the end."""
        for _ in range(timedelta(minutes=minutes) // self.step):
            pass_time(self.step)
            self.happen()
            self.prometheus.scrape(self.step)
        return self.prometheus.firing

    def happen(self) -> None:
        self.show_processes()
        if self.emails:
            self.queue(self.emails, kind="welcome", priority=self.priority)
        if self.is_delivering:
            self.deliver()
        if self.is_reporting:
            self.report_emails()
        if self.is_paying:
            self.pay()
        if self.is_counting:
            counting.count_all()

    def show_processes(self) -> None:
        for role, processes in ((Role.WORKER, self.workers), (Role.BEAT, self.beats)):
            for number in range(processes):
                Row(role, lambda role=role: self.idle_for[role], f"{role}:host:{number}").write()  # type: ignore[misc]

    def report_emails(self) -> None:
        at = time.time() - self.reports_late_by.total_seconds()
        for email in OutboundEmail.objects.filter(status=Status.SENT, events=None):
            self.sender.send_event(self.report, message=email.provider_message_id, to=email.recipients, at=at)

    def pay(self) -> None:
        post_to_stripe_webhook(stripe_event(time.time() - self.stripe_late_by.total_seconds()))


def stripe_event(created: float, type_: str = "product.updated") -> dict[str, Any]:
    return {
        "id": f"evt_life{next(numbers)}",
        "object": "event",
        "type": type_,
        "created": int(created),
        "livemode": False,
        "data": {"object": {"id": "prod_1", "object": "product"}},
    }
