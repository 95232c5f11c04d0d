"""Staff find a message by any recipient, ID, or key, however old it is, and by parts of its texts if it is new."""

from datetime import timedelta

import pytest
from django.core.mail import EmailMessage

from common import lists
from emails.models import OutboundEmail
from emails.support.actions import resend
from emails.tests.support.clock import travel

pytestmark = pytest.mark.urls("emails.tests.support.urls")

LIST = "/admin/emails/outboundemail/"


@pytest.fixture
def search(admin_client):
    """Return a function that searches as staff do, and returns the subjects that the list shows, newest first."""

    def search(words: str, **filters: str) -> list[str]:
        response = admin_client.get(LIST, {"q": words, **filters})
        assert response.status_code == 200
        return [email.subject for email in response.context["cl"].result_list]

    return search


@pytest.fixture
def send(outbox, db):
    """Return a function that queues an email."""
    return lambda subject="Hello", **fields: EmailMessage(subject, "Hello there.", **fields).send()


@pytest.fixture
def old(send, queue_emails, monkeypatch):
    """Return a function that queues an email and then so many others that it is no longer among the newest ones."""
    monkeypatch.setattr(lists, "SEARCHED_FOR_PARTS", 3)

    def old(subject: str = "Old one", **fields) -> None:
        send(subject, **fields)
        travel(timedelta(days=1))
        queue_emails(3, subject="New one")

    return old


@pytest.mark.parametrize("field", ["to", "cc", "bcc"])
@pytest.mark.parametrize("others", [[], ["bob@example.com", "team@example.org"]], ids=["alone", "with others"])
@pytest.mark.parametrize("typed", ["ada@example.com", "ADA@Example.COM", "Ada <ada@example.com>"])
def test_message_is_found_by_each_recipient_in_any_case(search, old, field, others, typed):
    old(**{field: ["Ada@Example.com", *others]})
    words = f'"{typed}"' if " " in typed else typed
    assert search(words) == ["Old one"]
    assert [search(other) for other in others] == [["Old one"]] * len(others)


def test_message_is_found_by_unicode_domain(search, old):
    old(to=["ada@bücher.example"])
    assert search("ada@bücher.example") == search("ada@xn--bcher-kva.example") == ["Old one"]


@pytest.mark.parametrize("to", [["xada@example.com"], ["xada@example.com", "ada@example.com.au"]])
def test_whole_address_does_not_find_longer_ones_if_it_exists(search, send, to):
    send("Longer", to=to)
    send("Exact", to=["ada@example.com"])
    assert search("ada@example.com") == ["Exact"]


def test_newest_comes_first_alone_or_with_others(search, send):
    send("first", to=["ada@example.com"])
    travel(timedelta(minutes=1))
    send("second", to=["ada@example.com", "bob@example.com"])
    travel(timedelta(minutes=1))
    send("third", to=["ada@example.com"])
    assert search("ada@example.com") == ["third", "second", "first"]


def test_old_message_is_found_by_id_and_keys(search, old):
    old(to=["ada@example.com"])
    email = OutboundEmail.objects.get(subject="Old one")
    OutboundEmail.objects.filter(pk=email.pk).update(provider_message_id="re_9", idempotency_key="receipt:in_1")
    for word in (str(email.pk), email.pk.hex, "re_9", "receipt:in_1"):
        assert search(word) == ["Old one"], word


def test_other_words_narrow_down_old_messages(search, old, send):
    old("Your receipt", to=["ada@example.com"])
    send("Your password", to=["ada@example.com"])
    send("Your receipt as well", to=["bob@example.com"])
    assert search("ada@example.com receipt") == search("RECEIPT ada@example.com") == ["Your receipt"]
    assert search("ada@example.com bob@example.com") == []


@pytest.mark.parametrize("word", ["ada@", "example.com", "Mem", '"ember O"'])
def test_parts_are_found_among_the_newest_only(search, send, queue_emails, monkeypatch, word):
    monkeypatch.setattr(lists, "SEARCHED_FOR_PARTS", 2)
    send("Member Offer", to=["ada@example.com"])
    assert search(word) == ["Member Offer"]
    travel(timedelta(days=1))
    send("other", to=["bob@example.org"])
    send("other", to=["bob@example.org"])
    assert search(word) == []


def test_search_keeps_to_the_filters(search, send):
    send("queued", to=["ada@example.com"])
    send("failed", to=["ada@example.com", "bob@example.com"])
    OutboundEmail.objects.filter(subject="failed").update(status="failed")
    assert search("ada@example.com", status__exact="failed") == ["failed"]
    assert search("ada@example.com", status__exact="queued", kind="") == ["queued"]


def test_copy_and_imported_rows_are_found_too(search, send):
    send("original", to=["ada@example.com", "bob@example.com"])
    original = OutboundEmail.objects.get()
    OutboundEmail.objects.update(status="sent")
    original.refresh_from_db()
    resend(original)
    OutboundEmail.objects.bulk_create([OutboundEmail(recipients="cyd@example.com bob@example.com", subject="imported")])
    assert sorted(search("bob@example.com")) == ["imported", "original", "original"]


def test_address_of_thousands_of_messages_finds_the_newest(search, send, monkeypatch):
    monkeypatch.setattr("emails.models.messages.MAX_SORTED", 3)
    monkeypatch.setattr(lists, "SEARCHED_FOR_PARTS", 5)
    for number in range(10):
        send(f"number {number}", to=["ada@example.com"], bcc=["archive@example.com"])
        travel(timedelta(minutes=1))
    assert search("archive@example.com")[:5] == [f"number {number}" for number in (9, 8, 7, 6, 5)]


@pytest.mark.parametrize("word", ["'", '"', '"""', "%", "_", "\\", "*", "ada@", "@", "x" * 2000, "a b" * 9, "🎉"])
def test_strange_words_find_nothing_and_break_nothing(search, send, word):
    send("Hello", to=["bob@example.org"])
    search(word)
