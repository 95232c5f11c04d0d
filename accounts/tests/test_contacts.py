"""Who signs up becomes a contact at Sequenzy, where the owner has switched that on."""

from accounts.models import User
from accounts.tests.support.users import ADA
from emails.models import ContactChange


def test_nobody_becomes_a_contact_by_default(post, outbox, settings):
    settings.EMAIL_PROVIDER = "sequenzy"
    post("signup/", ADA)
    assert not ContactChange.objects.exists()


def test_a_new_user_becomes_one_where_it_is_switched_on(post, outbox, settings):
    settings.EMAIL_PROVIDER = "sequenzy"
    settings.CONTACTS_SYNC = True
    settings.CONTACTS_LISTS = ["list_1"]
    post("signup/", ADA)
    change = ContactChange.objects.get()
    assert (change.action, change.address) == ("subscribe", "ada@example.com")
    assert change.content == {
        "tags": ["signed-up"],
        "customAttributes": {"plan": "free", "source": "signup"},
        "firstName": "Ada Lovelace",
        "externalId": str(User.objects.get().pk),
        "lists": ["list_1"],
    }


def test_signing_up_again_changes_nothing(post, outbox, settings):
    settings.EMAIL_PROVIDER = "sequenzy"
    settings.CONTACTS_SYNC = True
    post("signup/", ADA)
    post("signup/", ADA)
    assert ContactChange.objects.count() == 1
