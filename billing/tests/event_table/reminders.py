"""Cards, and what is announced before it happens."""

from billing.tests.event_table import Row

STORED, GONE = "stores the card: brand, last four digits, and month of expiry", "the card is no longer charged"

ROWS = {
    "invoice.upcoming": Row(
        "yearly-renewal-reminder", "", emails={"renewal_reminder": "renewal:<sub_…>:<end of the period>"}
    ),
    "payment_method.attached": Row("cards", STORED, after={"cards": ["1111"]}),
    "payment_method.updated": Row("cards", STORED, after={"cards": ["2222"]}),
    "payment_method.automatically_updated": Row("cards", STORED, after={"cards": ["3333"]}),
    "payment_method.detached": Row("cards", GONE, after={"cards": []}),
    "customer.source.created": Row("cards", STORED, after={"cards": ["4444"]}),
    "customer.source.updated": Row("cards", STORED, after={"cards": ["5555"]}),
    "customer.source.expiring": Row(
        "card-of-subscription", STORED, emails={"card_expiring": "card_expiring:<pm_…>:<month>"}
    ),
    "customer.source.deleted": Row("cards", GONE, after={"cards": []}),
}
