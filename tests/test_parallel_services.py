"""Eight requests that do the same at the same moment: one takes effect, and each person gets one notice of it."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

import pytest
from django.core.cache import cache
from django.db.models import F
from django.test import Client
from django.utils import timezone
from knox.models import AuthToken

from accounts import tokens
from accounts.errors import TokenInvalid
from accounts.models import EmailChange, User
from accounts.retention import delete_unconfirmed_accounts
from billing.tests.support.parallel import run_in_parallel
from emails.models import OutboundEmail

REQUESTS = 8
PASSWORD, NEW_PASSWORD = "correct horse battery staple", "a longer sentence is a better password"
NEW = "countess@example.com"


@pytest.fixture(autouse=True)
def real_outbox(settings, shared_database):
    settings.EMAIL_BACKEND = "emails.backends.outbox.OutboxBackend"
    cache.clear()


@pytest.fixture
def ada(shared_database) -> User:
    verified_at = timezone.now()
    user = User.objects.create_user("ada@example.com", PASSWORD, name="Ada", email_verified_at=verified_at)
    OutboundEmail.objects.all().delete()
    return user


class Race(NamedTuple):
    """A request, how many of eight succeed, with which status, and the emails that they queue together."""

    prepare: Callable[[User], tuple[str, str, Any]]
    successes: int
    status: int
    emails: Sequence[str]


def reset(user: User) -> tuple[str, str, Any]:
    token = tokens.make_password_reset_token(user)
    return "POST", "password/reset/confirm/", {"token": token, "password": NEW_PASSWORD}


def confirm_change(user: User) -> tuple[str, str, Any]:
    token = tokens.make_email_change_token(user, NEW)
    return "POST", "email/change/confirm/", {"token": token, "password": PASSWORD}


def undo(user: User) -> tuple[str, str, Any]:
    return "POST", "email/change/undo/", {"token": tokens.make_email_undo_token(changed(user))}


def keep(user: User) -> tuple[str, str, Any]:
    changed(user)
    EmailChange.objects.update(at=F("at") - timedelta(days=4))
    return "POST", "email/change/keep/confirm/", {"token": tokens.make_email_keep_token(user), "password": PASSWORD}


def verify(user: User) -> tuple[str, str, Any]:
    User.objects.update(email_verified_at=None)
    return "POST", "email/verify/", {"token": tokens.make_email_verification_token(user), "password": PASSWORD}


def changed(user: User) -> EmailChange:
    return EmailChange.objects.create(user=user, old_address="old@example.com", new_address=user.email)


ONCE = {
    "delete": Race(lambda user: ("DELETE", "me/", {"password": PASSWORD}), REQUESTS, 204, ["deletion_notice"]),
    "change password": Race(
        lambda user: ("POST", "password/change/", {"password": PASSWORD, "new_password": NEW_PASSWORD}),
        1,
        204,
        ["password_changed"],
    ),
    "reset password": Race(reset, 1, 204, ["password_changed"]),
    "change address": Race(confirm_change, 1, 200, ["email_changed_notice"]),
    "undo": Race(undo, 1, 200, ["password_reset"]),
    "keep": Race(keep, 1, 200, ["email_kept_notice"]),
    "verify": Race(verify, 1, 200, []),
    "export": Race(lambda user: ("GET", "me/export/", None), REQUESTS, 200, []),
}


@pytest.mark.parametrize("race", ONCE.values(), ids=ONCE)
def test_parallel_requests_send_one_notice(ada, race):
    method, path, data = race.prepare(ada)
    statuses = Counter(
        run_in_parallel(*[partial(call_api, method, path, data, token_of(ada)) for _ in range(REQUESTS)])
    )
    assert statuses[race.status] == race.successes
    # Those that lose the race get the error of a used link or a wrong password, or their token has ended.
    assert set(statuses) <= {race.status, 400, 401}
    assert [*OutboundEmail.objects.values_list("kind", flat=True)] == race.emails


def test_parallel_deletions_on_the_page_send_one_notice(ada):
    browsers = [Client() for _ in range(REQUESTS)]
    for browser in browsers:
        browser.force_login(ada)
    delete = [partial(browser.post, "/settings/data", {"password": PASSWORD}) for browser in browsers]
    assert {response.status_code for response in run_in_parallel(*delete)} == {302}
    assert OutboundEmail.objects.get().kind == "deletion_notice"
    assert not User.objects.exists()


LINKS = {
    "reset": ("password/reset/", {"email": "ada@example.com"}, tokens.read_password_reset_token),
    "confirmation": ("email/resend/", {"email": "ada@example.com"}, tokens.read_email_verification_token),
    "change": ("email/change/", {"email": NEW, "password": PASSWORD}, tokens.read_email_change_token),
    "keep": ("email/change/keep/", {"password": PASSWORD}, tokens.read_email_keep_token),
}


@pytest.mark.parametrize("purpose", LINKS)
def test_parallel_requests_for_links_leave_one_that_works(ada, purpose):
    path, data, read = LINKS[purpose]
    if purpose == "confirmation":
        User.objects.update(email_verified_at=None)
    if purpose == "keep":
        keep(ada)
    requests = [partial(call_api, "POST", path, data, token_of(ada)) for _ in range(REQUESTS)]
    assert run_in_parallel(*requests) == [202] * REQUESTS
    emails = OutboundEmail.objects.order_by("created_at")
    assert len(emails) == REQUESTS
    assert sum(works(read, token_in(email)) for email in emails) == 1


def works(read: Callable[[str], object], token: str) -> bool:
    try:
        read(token)
    except TokenInvalid:
        return False
    return True


def token_in(email: OutboundEmail) -> str:
    return email.message.text.partition("?token=")[2].split()[0]


@pytest.mark.parametrize("rival", [reset, confirm_change, undo])
def test_deletion_and_another_change_exclude_each_other(ada, rival):
    token = token_of(ada)
    delete = partial(call_api, "DELETE", "me/", {"password": PASSWORD}, token)
    done = run_in_parallel(*[delete] * 4, *[partial(call_api, *rival(ada))] * 4)
    assert set(done[:4]) <= {204, 400, 401}
    assert set(done[4:]) <= {200, 204, 400}
    assert OutboundEmail.objects.filter(kind="deletion_notice").count() == (0 if User.objects.exists() else 1)


def test_undo_and_keep_exclude_each_other(ada):
    keeping = partial(call_api, *keep(ada))
    undoing = partial(call_api, "POST", "email/change/undo/", {"token": tokens.make_email_undo_token(latest_change())})
    done = Counter(run_in_parallel(*[keeping, undoing] * 4))
    assert done == {200: 1, 400: REQUESTS - 1}
    change = latest_change()
    assert (change.undone_at is None) != (change.final_at is None)


def latest_change() -> EmailChange:
    return EmailChange.objects.latest("at")


@pytest.mark.parametrize("rival", [verify, reset])
def test_confirmation_and_the_end_of_its_period_exclude_each_other(ada, rival):
    call = partial(call_api, *rival(ada))
    month_ago = timezone.now() - timedelta(days=30)
    User.objects.update(email_verified_at=None, date_joined=month_ago)
    confirmed, *deletions = run_in_parallel(call, *[delete_unconfirmed_accounts] * 3)
    assert sorted([confirmed < 300, *deletions]) == [0, 0, 0, 1]
    assert User.objects.filter(email_verified_at__gt=month_ago).exists() is (confirmed < 300)


def test_sign_up_during_deletion_is_answered_as_always(ada):
    sign_up = partial(
        call_api, "POST", "signup/", {"email": ada.email, "name": "Ada", "password": "a sentence of someone else"}
    )
    delete = partial(call_api, "DELETE", "me/", {"password": PASSWORD}, token_of(ada))
    assert run_in_parallel(delete, *[sign_up] * 7) == [204] + [201] * 7


def token_of(user: User) -> str:
    return str(AuthToken.objects.create(user=user)[1])


def call_api(method: str, path: str, data: Any, token: str = "") -> int:
    headers = {"Authorization": f"Token {token}"} if token else {}
    client = Client(raise_request_exception=False, headers=headers)
    body = json.dumps(data) if data is not None else ""
    return client.generic(method, f"/api/accounts/{path}", body, content_type="application/json").status_code
