"""The highest number of emails a day that people can have sent to one email address by entering it somewhere.

Strangers share the quota of an address, and each of them gets at most a fifth. A device that the owner of the address
logged in with before has a fifth of its own, which strangers can't use up.
"""

from collections.abc import Collection
from datetime import datetime

from django.conf import settings
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.client_info import Requester
from accounts.models import EmailQuota
from common.email_addresses import normalize_address

STRANGERS_TO_USE_UP = 5


def is_over_quota(address: str, requester: Requester | None) -> bool:
    """Count an email to this address; returns True, and counts nothing, if no more are allowed.

    None stands for us, who may send any number. Call it in the transaction that queues the email: it locks the
    address, so that no more parallel requests than allowed get through. Does the same whether or not the address
    has an account.
    """
    if requester is None:
        return False
    now = timezone.now()
    quota = _lock(address, now=now)
    by = _digest(requester.subject) + ("/device" if requester.is_owners_device else "")
    recent = [(at, who) for at, who in quota.requests if at > (now - EmailQuota.PERIOD).timestamp()]
    own = [who for _, who in recent if who == by]
    from_strangers = [who for _, who in recent if not who.endswith("/device")]
    total = settings.ACCOUNTS_DAILY_EMAILS_PER_ADDRESS
    share = max(1, total // STRANGERS_TO_USE_UP)
    if len(own) >= share or (not requester.is_owners_device and len(from_strangers) >= total):
        return True
    EmailQuota.objects.filter(pk=quota.pk).update(requests=[*recent, (now.timestamp(), by)])
    return False


def forget_quotas(addresses: Collection[str]) -> None:
    EmailQuota.objects.filter(pk__in=[_digest(normalize_address(address)) for address in addresses]).delete()


def _lock(address: str, *, now: datetime) -> EmailQuota:
    # An insert or an update in one statement locks the row, also if it is new.
    row = EmailQuota(pk=_digest(normalize_address(address)), updated_at=now)
    EmailQuota.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["address_digest"], update_fields=["updated_at"]
    )
    return EmailQuota.objects.get(pk=row.pk)


def _digest(text: str) -> str:
    return salted_hmac("accounts.email_quotas", text, algorithm="sha256").hexdigest()[:56]
