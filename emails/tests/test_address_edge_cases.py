"""Names, domains, mailboxes, and recipient lists, as they arrive at each provider."""

import pytest

from emails.errors import UnsupportedFeature
from emails.tests.support.captured import REFUSED, addresses_in, display_name, fields_with, payload_or_refused
from emails.tests.support.messages import backend, mail, sent


@pytest.mark.parametrize(
    ("written", "resend", "sendgrid"),
    [
        ('"Lovelace, Ada" <ada@example.com>', '"Lovelace, Ada"', "Lovelace Ada"),
        ("Lovelace, Ada <ada@example.com>", '"Lovelace, Ada"', "Lovelace Ada"),
        ('"Ada \\"the first\\"" <ada@example.com>', '"Ada \\"the first\\""', 'Ada "the first"'),
        ("Ada 🚀 <ada@example.com>", "Ada 🚀", "Ada 🚀"),
        ("=?utf-8?b?SsO8cmdlbg==?= <ada@example.com>", "Jürgen", "Jürgen"),
        ("=?iso-8859-1?q?J=FCrgen?= <ada@example.com>", "Jürgen", "Jürgen"),
        ("Ada; DROP <ada@example.com>", '"Ada; DROP"', "Ada DROP"),
        ("ada@example.com", "", ""),
    ],
)
def test_display_name_arrives(provider_api, provider, written, resend, sendgrid):
    payload = sent(provider, provider_api, mail(to=[written]))
    assert display_name(provider, payload) == {"resend": resend, "sendgrid": sendgrid, "sequenzy": ""}[provider]
    assert provider_api.accepted[-1].recipients == ["ada@example.com"]


@pytest.mark.parametrize(
    ("domain", "arrives"),
    [
        ("bücher.example", "xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),  # IDNA 2008; under IDNA 2003 it would become strasse
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("☃.example", REFUSED),
        ("a..example", REFUSED),
    ],
)
def test_international_domain_arrives_encoded(provider_api, provider, domain, arrives):
    result = payload_or_refused(provider, provider_api, mail(to=[f"ada@{domain}"]))
    assert result == REFUSED if arrives == REFUSED else provider_api.accepted[-1].recipients == [f"ada@{arrives}"]


@pytest.mark.parametrize("field", ["to", "cc", "bcc", "reply_to"])
def test_non_ascii_mailbox_is_refused_early(provider_api, provider, field):
    assert payload_or_refused(provider, provider_api, mail(**fields_with(field, ["jürgen@example.com"]))) == REFUSED


def test_empty_recipient_entries_are_dropped(provider_api, provider):
    message = mail(to=["ada@example.com", "", None], cc=[None, "bob@example.com"], bcc=[""], reply_to=[None, ""])
    payload = sent(provider, provider_api, message)
    assert provider_api.accepted[-1].recipients == ["ada@example.com", "bob@example.com"]
    assert not {"bcc", "reply_to", "replyTo", "reply_to_list"} & payload.keys()


@pytest.mark.parametrize("field", ["cc", "bcc"])
def test_message_without_to_is_refused(provider_api, provider, field):
    with pytest.raises(UnsupportedFeature, match="without `to`"):
        backend(provider, provider_api).send_messages([mail(**fields_with(field, ["ada@example.com"], to=[]))])
    assert provider_api.calls == 0


def test_repeated_reply_to_arrives_once(provider_api, provider):
    payload = sent(provider, provider_api, mail(reply_to=["Ada <ada@example.com>", "ADA@example.com"]))
    field = {"sequenzy": "replyTo", "resend": "reply_to", "sendgrid": "reply_to_list"}[provider]
    assert str(payload[field]).lower().count("ada@example.com") == 1


def test_repeated_recipient_arrives_once_in_first_field(provider_api, provider):
    message = mail(to=["Ada@Example.com"], cc=["ada@example.com", "bob@example.com"], bcc=["BOB@example.com"])
    payload = sent(provider, provider_api, message)
    assert [mailbox.lower() for mailbox in provider_api.accepted[-1].recipients] == [
        "ada@example.com",
        "bob@example.com",
    ]
    assert addresses_in(provider, payload, "bcc") == []


@pytest.mark.parametrize(("provider", "most"), [("sequenzy", 50), ("resend", 50), ("sendgrid", 1000)])
@pytest.mark.parametrize("field", ["to", "cc", "bcc"])
def test_too_many_recipients_are_refused(provider_api, provider, most, field):
    many = [f"person-{number}@example.com" for number in range(most + 1)]
    assert payload_or_refused(provider, provider_api, mail(**fields_with(field, many))) == REFUSED


def test_maximum_number_of_recipients_is_accepted(provider_api, provider):
    many = [f"person-{number}@example.com" for number in range(50)]
    sent(provider, provider_api, mail(to=many))
    assert len(provider_api.accepted[-1].recipients) == 50


SELF_NAMED = "Desk@acme.example <desk@acme.example>"


@pytest.mark.parametrize("field", ["to", "cc", "bcc", "reply_to", "from_email"])
def test_address_that_is_its_own_name_is_accepted(provider_api, provider, field):
    value = SELF_NAMED if field == "from_email" else [SELF_NAMED]
    payload = sent(provider, provider_api, mail(**fields_with(field, value)))
    assert "desk@acme.example" in str(payload)
    assert "Desk@acme.example" not in str(payload)
