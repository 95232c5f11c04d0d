"""New users become contacts at Sequenzy if the project has switched that on."""

import pytest

from accounts.models import User
from accounts.tests.support.users import ADA, PASSWORD, token_in
from emails.models import ContactChange


def test_signup_creates_no_contact_by_default(post, sent_emails, settings):
    settings.EMAIL_PROVIDER = "sequenzy"
    post("signup/", ADA)
    assert not ContactChange.objects.exists()


def test_signup_creates_a_contact_if_sync_is_on(post, sent_emails, settings):
    settings.EMAIL_PROVIDER = "sequenzy"
    settings.CONTACTS_SYNC = True
    settings.CONTACTS_LISTS = ["list_1"]
    post("signup/", ADA)
    change = ContactChange.objects.get()
    assert (change.action, change.address) == ("subscribe", "ada@example.com")
    assert change.content == {
        "tags": ["signed-up"],
        "customAttributes": {"plan": "free", "source": "signup"},
        "externalId": str(User.objects.get().pk),
        "lists": ["list_1"],
    }


@pytest.mark.parametrize("way", ["link", "reset"])
def test_name_is_reported_once_the_address_is_confirmed(post, sent_emails, settings, way):
    """Otherwise, a stranger's text would reach the owner of the address in a marketing email."""
    settings.EMAIL_PROVIDER = "sequenzy"
    settings.CONTACTS_SYNC = True
    post("signup/", ADA)
    if way == "reset":
        post("password/reset/", {"email": ADA["email"]})
    path = {"link": "email/verify/", "reset": "password/reset/confirm/"}[way]
    post(path, {"token": token_in(sent_emails[-1]), "password": PASSWORD})
    names = [change.content.get("firstName") for change in ContactChange.objects.order_by("pk")]
    assert names == [None, "Ada Lovelace"]


def test_repeated_signup_creates_no_second_contact(post, sent_emails, settings):
    settings.EMAIL_PROVIDER = "sequenzy"
    settings.CONTACTS_SYNC = True
    post("signup/", ADA)
    post("signup/", ADA)
    assert ContactChange.objects.count() == 1
