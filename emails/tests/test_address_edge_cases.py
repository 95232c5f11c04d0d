"""Hard cases at all three providers: names, domains, mailboxes and lists of recipients."""

import pytest

from emails.errors import UnsupportedFeature
from emails.tests.conftest import PROVIDERS
from emails.tests.support.captured import REFUSED, fields_with, name_of, outcome, people
from emails.tests.support.messages import backend, mail, sent


@pytest.fixture(params=PROVIDERS)
def provider(request):
    return request.param


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
def test_display_name_arrives(api, provider, written, resend, sendgrid):
    payload = sent(provider, api, mail(to=[written]))
    assert name_of(provider, payload) == {"resend": resend, "sendgrid": sendgrid, "sequenzy": ""}[provider]
    assert api.accepted[-1].recipients == ["ada@example.com"]


@pytest.mark.parametrize(
    ("domain", "arrives"),
    [
        ("bücher.example", "xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),  # IDNA 2008; IDNA 2003 would make it strasse
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("☃.example", REFUSED),
        ("a..example", REFUSED),
    ],
)
def test_international_domain_arrives_encoded(api, provider, domain, arrives):
    result = outcome(provider, api, mail(to=[f"ada@{domain}"]))
    assert result == REFUSED if arrives == REFUSED else api.accepted[-1].recipients == [f"ada@{arrives}"]


@pytest.mark.parametrize("field", ["to", "cc", "bcc", "reply_to"])
def test_non_ascii_mailbox_is_refused_early(api, provider, field):
    assert outcome(provider, api, mail(**fields_with(field, ["jürgen@example.com"]))) == REFUSED


def test_empty_recipient_entries_are_dropped(api, provider):
    message = mail(to=["ada@example.com", "", None], cc=[None, "bob@example.com"], bcc=[""], reply_to=[None, ""])
    payload = sent(provider, api, message)
    assert api.accepted[-1].recipients == ["ada@example.com", "bob@example.com"]
    assert not {"bcc", "reply_to", "replyTo", "reply_to_list"} & payload.keys()


@pytest.mark.parametrize("field", ["cc", "bcc"])
def test_message_without_to_is_refused(api, provider, field):
    with pytest.raises(UnsupportedFeature, match="without `to`"):
        backend(provider, api).send_messages([mail(**fields_with(field, ["ada@example.com"], to=[]))])
    assert api.calls == 0


def test_repeated_reply_to_arrives_once(api, provider):
    payload = sent(provider, api, mail(reply_to=["Ada <ada@example.com>", "ADA@example.com"]))
    field = {"sequenzy": "replyTo", "resend": "reply_to", "sendgrid": "reply_to_list"}[provider]
    assert str(payload[field]).lower().count("ada@example.com") == 1


def test_repeated_recipient_arrives_once_in_first_field(api, provider):
    message = mail(to=["Ada@Example.com"], cc=["ada@example.com", "bob@example.com"], bcc=["BOB@example.com"])
    payload = sent(provider, api, message)
    assert [mailbox.lower() for mailbox in api.accepted[-1].recipients] == ["ada@example.com", "bob@example.com"]
    assert people(provider, payload, "bcc") == []


@pytest.mark.parametrize(("provider", "most"), [("sequenzy", 50), ("resend", 50), ("sendgrid", 1000)])
@pytest.mark.parametrize("field", ["to", "cc", "bcc"])
def test_too_many_recipients_are_refused(api, provider, most, field):
    many = [f"person-{number}@example.com" for number in range(most + 1)]
    assert outcome(provider, api, mail(**fields_with(field, many))) == REFUSED


def test_maximum_number_of_recipients_is_accepted(api, provider):
    many = [f"person-{number}@example.com" for number in range(50)]
    sent(provider, api, mail(to=many))
    assert len(api.accepted[-1].recipients) == 50
