"""The contacts of users at the email provider, if the project has switched that on."""

import pytest

from accounts import services, tokens
from accounts.errors import AddressTaken
from accounts.models import User
from accounts.tests.support.users import ADA, PASSWORD, token_in
from emails.models import ContactChange
from emails.tracking.opt_outs import opt_out, opted_out_among

NEW = "countess@example.com"


def test_signup_creates_no_contact_by_default(post, sent_emails, settings):
    settings.EMAIL_PROVIDER = "sequenzy"
    post("signup/", ADA)
    assert not ContactChange.objects.exists()


def test_signup_creates_a_contact_if_sync_is_on(post, sent_emails, settings):
    settings.EMAIL_PROVIDER = "sequenzy"
    settings.CONTACTS_SYNC = True
    post("signup/", ADA)
    change = ContactChange.objects.get()
    assert (change.action, change.address) == ("subscribe", "ada@example.com")
    assert change.content == {
        "tags": ["signed-up"],
        "attributes": {"plan": "free", "customer": False, "source": "signup"},
        "external_id": str(User.objects.get().pk),
    }


@pytest.mark.parametrize(("way", "name"), [("link", "Ada Lovelace"), ("reset", None)])
def test_name_is_reported_once_its_author_has_confirmed_the_address(post, sent_emails, settings, way, name):
    """Otherwise, a stranger's text would reach the owner of the address in a marketing email.

    A reset doesn't prove that the owner of the address chose the name, so it empties the name.
    """
    settings.EMAIL_PROVIDER = "sequenzy"
    settings.CONTACTS_SYNC = True
    post("signup/", ADA)
    if way == "reset":
        post("password/reset/", {"email": ADA["email"]})
    path = {"link": "email/verify/", "reset": "password/reset/confirm/"}[way]
    post(path, {"token": token_in(sent_emails[-1]), "password": PASSWORD})
    names = [(change.content or {}).get("first_name") for change in ContactChange.objects.order_by("pk")]
    assert names == [None, name]


def test_repeated_signup_creates_no_second_contact(post, sent_emails, settings):
    settings.EMAIL_PROVIDER = "sequenzy"
    settings.CONTACTS_SYNC = True
    post("signup/", ADA)
    post("signup/", ADA)
    assert ContactChange.objects.count() == 1


@pytest.fixture
def synced(settings, ada):
    """Switch contact sync on, and return a function that lists the changes so far and the addresses they are about."""
    settings.EMAIL_PROVIDER = "resend"
    settings.CONTACTS_SYNC = True

    def synced() -> list[tuple[str, str, str]]:
        return [*ContactChange.objects.order_by("pk").values_list("action", "former_address", "address")]

    return synced


def confirm_change(ada: User) -> None:
    services.confirm_email_change(token=tokens.make_email_change_token(ada, NEW), password=PASSWORD)


def change_in_admin(ada: User) -> None:
    services.change_email_for(user=ada, email=NEW)


@pytest.mark.parametrize("change", [confirm_change, change_in_admin])
def test_contact_moves_to_the_new_address(ada, synced, change):
    change(ada)
    assert synced() == [("change_address", ADA["email"], NEW)]
    assert ContactChange.objects.get().content == {
        "attributes": {"plan": "free", "customer": False, "source": "signup"},
        "first_name": ada.name,
        "external_id": str(ada.pk),
    }


def test_contact_moves_back_when_the_change_is_undone(ada, synced, sent_emails):
    confirm_change(ada)
    services.undo_email_change(token=token_in(sent_emails[-1]))
    assert synced() == [("change_address", ADA["email"], NEW), ("change_address", NEW, ADA["email"])]


def test_refused_change_moves_no_contact(ada, synced):
    User.objects.create_user(NEW, PASSWORD)
    ContactChange.objects.all().delete()
    with pytest.raises(AddressTaken):
        confirm_change(ada)
    assert synced() == []


def test_opt_out_moves_even_while_sync_is_off(ada, synced, settings):
    settings.CONTACTS_SYNC = False
    opt_out(ADA["email"])
    confirm_change(ada)
    assert synced() == []
    assert opted_out_among([NEW, "other@example.com"]) == {NEW}


def test_deletion_forgets_the_contact_at_every_address(ada, synced):
    confirm_change(ada)
    ada.refresh_from_db()
    services.delete_account(user=ada, password=PASSWORD)
    assert sorted(synced()[1:]) == [("forget", "", ADA["email"]), ("forget", "", NEW)]
