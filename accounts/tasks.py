"""The Celery tasks of accounts. Each calls one function that can run at any time and more than once."""

from celery import shared_task

from accounts import retention


@shared_task(ignore_result=True)
def forget_old_history() -> None:
    retention.forget_old_history()


@shared_task(ignore_result=True)
def delete_unconfirmed_accounts() -> None:
    retention.delete_unconfirmed_accounts()
