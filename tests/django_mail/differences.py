"""The tests of Django that don't pass after the trip, and why. docs/providers.md gives the same reasons."""

ALTERNATIVE = "An alternative that is neither text nor free of control characters is refused: attach it as a file."
DOMAIN = "An email address without a domain is refused."
EMPTY_HEADER = "An empty header of an attached message may lose or gain the space after its colon."
IDNA = "A domain that IDNA 2008 doesn't allow is refused, such as one with a currency sign."
MAILBOX = (
    "From Django 6.0 on, Django's SMTP backend refuses a mailbox name outside ASCII, whatever policy a caller prefers."
)
MESSAGE_ID = "The `Message-ID` is made of the message's ID in the outbox and the sender's domain."
NAMES = "A display name is quoted only where it must be, and an email address without a name has no angle brackets."
ORDER = "Emails that were queued in order may arrive in another order, because several threads send at once."
SURROGATE = "A text with an unpaired surrogate, which is not a character, is refused."

# By the name of the test's method. Some exist in only one version of Django.
EXPECTED = {
    "test_address_header_handling": (IDNA, NAMES),
    "test_alternative_alternatives": (ALTERNATIVE,),
    "test_lazy_addresses": (DOMAIN,),
    "test_localpart_only_address": (DOMAIN,),
    "test_message_policy_smtputf8": (MAILBOX,),
    "test_mime_structure": (EMPTY_HEADER,),
    "test_non_ascii_dns_non_unicode_email": (MESSAGE_ID,),
    "test_nonascii_as_string_with_ascii_charset": (SURROGATE,),
    "test_recipient_without_domain": (DOMAIN,),
    "test_send_many": (ORDER,),
}
REASONS = sorted({reason for reasons in EXPECTED.values() for reason in reasons})
