"""New users become contacts at Sequenzy if the project has switched that on."""

from accounts.models import User
from accounts.tests.support.users import ADA
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
        "firstName": "Ada Lovelace",
        "externalId": str(User.objects.get().pk),
        "lists": ["list_1"],
    }


def test_repeated_signup_creates_no_second_contact(post, sent_emails, settings):
    settings.EMAIL_PROVIDER = "sequenzy"
    settings.CONTACTS_SYNC = True
    post("signup/", ADA)
    post("signup/", ADA)
    assert ContactChange.objects.count() == 1
