"""A Django app with bugs: for certain people, sign-up, login, delivery, Stripe's events, and a task fail.

The texts of the exceptions and the local variables contain what must not leave the process.
"""

from typing import Any

from celery import shared_task
from django.apps import AppConfig, apps
from django.db.models.signals import post_save

SIGN_UP, LOG_IN, DELIVERY, INVOICE = "signup@planted.example", "login@planted.example", "delivery@", "in_failing"


class FailingConfig(AppConfig):
    name = "tests.support"
    label = "failing"

    def ready(self) -> None:
        # These need the models.
        from billing.services import payments  # noqa: PLC0415
        from emails.backends import ResendBackend  # noqa: PLC0415

        for model in ("accounts.User", "knox.AuthToken"):
            post_save.connect(fail_to_save, sender=apps.get_model(model))
        call = ResendBackend.call

        def failing_call(self: Any, request: Any, idempotency_key: str) -> Any:
            if DELIVERY.encode() in request.body:
                raise RuntimeError(f"Can't send {request.body!r} with {self.__dict__}")
            return call(self, request, idempotency_key)

        ResendBackend.call = failing_call  # type: ignore[method-assign]
        record = payments.record_paid_invoice

        def failing_record(invoice: Any, at: Any) -> None:
            if invoice.id.startswith(INVOICE):
                raise RuntimeError(f"Can't record the payment of {SIGN_UP}: {vars(invoice)}")
            record(invoice, at)

        payments.record_paid_invoice = failing_record


def fail_to_save(instance: Any, **_: Any) -> None:
    local = dict(vars(instance))
    name = type(instance).__name__
    fails = {
        "User": local.get("email") == SIGN_UP,
        "AuthToken": getattr(getattr(instance, "user", None), "email", "") == LOG_IN,
    }
    if fails[name]:
        raise RuntimeError(f"Can't save {name} of {SIGN_UP}: {local}")


@shared_task
def failing_task(address: str, password: str) -> None:
    raise RuntimeError(f"{address} has the password {password}")
