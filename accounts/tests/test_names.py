"""Names: real names are accepted, names that hide something are refused, and a stranger's name reaches no inbox."""

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from accounts import mail
from accounts.models import EmailChange, User
from accounts.tests.support.browser import log_in
from accounts.tests.support.users import ADA, PASSWORD
from accounts.validators import validate_name
from emails import samples
from emails.rendering import render_email

REAL = [
    "O",
    "Ng",
    "Miles O'Brien",
    "Miles O’Brien",
    "Jean-Luc Picard",
    "J. R. R. Tolkien",
    "Łukasz-Śmigły Jr.",
    "X Æ A-12",
    "Ada (she/her)",
    "Siân & Co",
    "José",
    "Jose\u0301",  # the same with a combining accent
    "Nguyễn Văn Thiệu",
    "李小龍",
    "山田\u3000太郎",  # with the wide space of Japanese
    "葛\U000e0100城",  # the selector chooses the glyph that the person uses
    "김철수",
    "محمد بن سلمان",
    "علی\u200cرضا",  # the joiner separates the two parts of the name, as in Persian spelling
    "שרה",
    "שָׂרָה",
    "श्रीनिवास",
    "क्\u200dष",
    "\u0dc1\u0dca\u200d\u0dbb\u0dd3 ලංකා",  # in Sinhala, the joiner is part of the most common syllable
    "தமிழ்ச்செல்வி",
    "สมชาย",
    "ᠪᠠᠲᠤ\u180b",
    "Ada 👩🏽\u200d💻",
    "❤\ufe0f Ada",
    "Ada 🏳\ufe0f\u200d🌈",
    "1\ufe0f\u20e3",
    "",
]
HIDDEN = {
    "right-to-left override": "Ada\u202eevol",
    "left-to-right embedding": "\u202aAda\u202c",
    "isolate": "\u2066Ada\u2069",
    "left-to-right mark": "Ada\u200e",
    "Arabic letter mark": "\u061cAda",
    "combining grapheme joiner": "A\u034fda",
    "zero-width space": "A\u200bda",
    "word joiner": "A\u2060da",
    "byte order mark": "\ufeffAda",
    "soft hyphen": "A\u00adda",
    "joiner between Latin letters": "A\u200dda",
    "non-joiner between Latin letters": "A\u200cda",
    "joiner at the end": "Ada\u200d",
    "tags": "Ada\U000e0045\U000e0056\U000e0049\U000e004c",
    "tagged flag": "🏴\U000e0067\U000e0062\U000e007f",
    "variation selector": "A\ufe0fda",
    "ideographic selector": "A\U000e0100da",
    "Mongolian selector": "A\u180bda",
    "Mongolian separator": "A\u180eda",
    "private use": "\ue000",
    "unassigned": "A\u0378",
    "annotation": "\ufff9Ada",
    "musical format": "\U0001d173Ada",
    "emoji joined to a letter": "👩\u200dA",
    "link behind a grapheme joiner": "ev\u034fil.example",
    "link behind a selector": "evil\ufe0f.example",
    "line separator": "Ada\u2028",
}
EMPTY = {
    "zero-width space": "\u200b",
    "joiner": "\u200d",
    "Hangul fillers": "\u3164\u3164",
    "Hangul fillers between spaces": " \u115f \u1160 ",
    "halfwidth filler": "\uffa0",
    "blank Braille": "\u2800",
    "object replacement": "\ufffc",
    "combining mark": "\u0301",
    "enclosing mark": "\u00a0\u20dd",
    "null notehead": "\U0001d159",
}
SPAM = "Account locked! Call +1-900-555-0199 now"


@pytest.mark.parametrize("name", REAL, ids=ascii)
def test_real_names_are_accepted(name):
    validate_name(name)


@pytest.mark.parametrize("name", [*HIDDEN.values(), *EMPTY.values()], ids=[*HIDDEN, *EMPTY])
def test_names_that_hide_something_are_refused(name):
    with pytest.raises(ValidationError):
        validate_name(name)


@pytest.mark.parametrize("name", [HIDDEN["right-to-left override"], EMPTY["Hangul fillers"], "A\u034fda"])
def test_every_form_refuses_them(call_api, ada_token, ada, client, name):
    assert call_api("POST", "signup/", {**ADA, "name": name}).json().keys() == {"name"}
    assert call_api("PATCH", "me/", {"name": name}, token=ada_token).json().keys() == {"name"}
    assert Client().post("/signup", {**ADA, "name": name}).context["form"].errors.keys() == {"name"}
    log_in(client)
    assert client.post("/settings", {"name": name, "language": "en"}).status_code == 400
    User.objects.filter(pk=ada.pk).update(is_staff=True, is_superuser=True)
    response = client.post(
        f"/admin/accounts/user/{ada.pk}/change/", {"email": ada.email, "name": name, "language": "en"}
    )
    assert "name" in response.context["adminform"].form.errors
    ada.refresh_from_db()
    assert ada.name == "Ada"


@pytest.fixture
def spammer(db, sent_emails) -> User:
    """Provide an account that a stranger has just created with someone else's email address."""
    return User.objects.create_user("victim@example.com", PASSWORD, name=SPAM)


def test_no_email_before_the_confirmation_contains_the_name(post, spammer, sent_emails):
    post("signup/", {"email": spammer.email, "name": SPAM, "password": PASSWORD})
    post("password/reset/", {"email": spammer.email})
    post("email/resend/", {"email": spammer.email})
    kinds = [email.kind for email in sent_emails]
    assert kinds == ["welcome", "already_registered", "password_reset", "welcome"]
    assert not any(contains_spam(email) for email in sent_emails)


def test_email_to_a_new_address_contains_nothing_that_the_user_chose(call_api, ada_token, sent_emails):
    """The new address may belong to a stranger."""
    User.objects.update(name=SPAM, email="call-1-900-555-0199@example.com")
    data = {"email": "victim@example.com", "password": PASSWORD}
    assert call_api("POST", "email/change/", data, token=ada_token).status_code == 202
    [email] = sent_emails
    assert email.to == ["victim@example.com"]
    assert not contains_spam(email)


def test_notices_to_an_old_address_do_not_greet_by_name(ada, sent_emails):
    """An attacker who took over the account could have changed the name."""
    User.objects.update(name=SPAM, email="thief@example.com")
    change = EmailChange.objects.create(user=User.objects.get(), old_address=ada.email, new_address="thief@example.com")
    mail.send_email_changed_notice(change)
    mail.send_email_kept_notice(change)
    assert [email.to for email in sent_emails] == [[ada.email]] * 2
    assert not any(contains_spam(email) for email in sent_emails)


def contains_spam(email) -> bool:
    text = " ".join([email.subject, email.body, *(content for content, _ in email.alternatives)])
    return "555-0199" in text


@pytest.mark.parametrize("name", ["Ada\u202e", "\u3164", "evil.example"])
def test_stored_names_that_break_the_rules_are_not_shown_in_emails(call_api, ada, sent_emails, name):
    User.objects.update(name=name)
    call_api("POST", "password/reset/", {"email": ada.email})
    assert sent_emails[0].body.startswith("Hello,\n")


def test_confirmed_user_is_greeted_by_name(call_api, ada, sent_emails):
    call_api("POST", "password/reset/", {"email": ada.email})
    assert sent_emails[0].body.startswith("Hello Ada,\n")


@pytest.mark.parametrize("kind", samples.folders())
def test_no_subject_contains_the_name(kind):
    context = {**samples.sample_context(kind), "name": "Nemo"}
    assert "Nemo" not in render_email(kind, context).subject


def test_name_is_used_again_after_the_confirmation(call_api, spammer, sent_emails):
    User.objects.filter(pk=spammer.pk).update(name="Vic", email_verified_at=timezone.now())
    mail.send_password_reset_email(User.objects.get())
    assert sent_emails[-1].body.startswith("Hello Vic,")
