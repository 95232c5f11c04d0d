"""Extra headers and headers that override fields, as they arrive at each provider."""

import pytest

from emails.tests.support.captured import REFUSED, payload_or_refused
from emails.tests.support.messages import mail


def test_from_and_reply_to_headers_override_fields(provider_api, provider):
    headers = {"Reply-To": "reply@acme.example", "From": "Other <other@acme.example>"}
    result = payload_or_refused(provider, provider_api, mail(headers=headers, from_email="other@acme.example"))
    sender = {"resend": "from", "sequenzy": "from"}.get(provider)
    assert ("other@acme.example" in result[sender]) if sender else (result["from"]["email"] == "other@acme.example")
    replies = {"resend": "reply_to", "sequenzy": "replyTo", "sendgrid": "reply_to_list"}[provider]
    assert "reply@acme.example" in str(result[replies])


REPLY_TO_LISTS = {
    "Ann <ann@acme.example>, desk@acme.example": ["Ann <ann@acme.example>", "desk@acme.example"],
    '"Lovelace, Ann" <ann@acme.example>,desk@acme.example': ['"Lovelace, Ann" <ann@acme.example>', "desk@acme.example"],
    "a@acme.example, b@acme.example , c@acme.example": ["a@acme.example", "b@acme.example", "c@acme.example"],
    'Ünn <ann@acme.example>, "D\\"x" <d@bücher.example>': [
        "Ünn <ann@acme.example>",
        '"D\\"x" <d@xn--bcher-kva.example>',
    ],
    "Support: ann@acme.example, Bob <bob@acme.example>;": ["ann@acme.example", "Bob <bob@acme.example>"],
    "ann@acme.example (the boss, really), bob@acme.example": ["ann@acme.example", "bob@acme.example"],
    "<ann@acme.example>,, bob@acme.example,": ["ann@acme.example", "bob@acme.example"],
    "desk@acme.example <desk@acme.example>, bob@acme.example": ["desk@acme.example", "bob@acme.example"],
    "=?utf-8?q?J=C3=BCrgen?= <j@acme.example>, bob@acme.example": ["Jürgen <j@acme.example>", "bob@acme.example"],
}


@pytest.mark.parametrize("place", ["header", "field"])
@pytest.mark.parametrize(("value", "addresses"), REPLY_TO_LISTS.items())
def test_reply_to_may_be_a_list_in_one_text(provider_api, provider, place, value, addresses):
    """Django alone sends it from the header as well as from the field. Sequenzy takes only one address."""
    fields = {"headers": {"Reply-To": value}} if place == "header" else {"reply_to": [value]}
    result = payload_or_refused(provider, provider_api, mail(**fields))
    if provider == "sequenzy":
        assert result == REFUSED
    elif provider == "resend":
        assert result["reply_to"] == addresses
    else:
        bare = [address.rpartition("<")[2].rstrip(">") for address in addresses]
        assert [person["email"] for person in result["reply_to_list"]] == bare


@pytest.mark.parametrize(
    "header",
    [
        "a@acme.example, b@acme.example\nBcc: eve@example.com",
        "a@acme.example,\r\n b@acme.example",
        "a@acme.example, nobody",
        "undisclosed-recipients:;",
        "a@acme.example; b@acme.example",
        ",",
    ],
)
def test_unreadable_reply_to_header_is_refused(provider_api, provider, header):
    assert payload_or_refused(provider, provider_api, mail(headers={"reply-to": header})) == REFUSED


@pytest.mark.parametrize("header", ["To", "Cc"])
def test_to_and_cc_headers_are_refused(provider_api, provider, header):
    assert payload_or_refused(provider, provider_api, mail(headers={header: "undisclosed@acme.example"})) == REFUSED


LIST_HEADERS = {
    "List-Unsubscribe": "<https://acme.example/u?x=1>, <mailto:u@acme.example>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
}


@pytest.mark.parametrize("headers", [LIST_HEADERS, {"X-Number": 7}, {"X-Entity-Ref-ID": "1"}])
def test_extra_headers_arrive_unless_sequenzy(provider_api, provider, headers):
    result = payload_or_refused(provider, provider_api, mail(headers=headers))
    if provider == "sequenzy":  # Sequenzy has no field for headers
        assert result == REFUSED
    else:
        assert result["headers"] == {name: str(value) for name, value in headers.items()}
