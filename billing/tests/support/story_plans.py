"""The plans that the stories are about in tests."""

TWO_PLANS = [
    {
        "slug": "pro",
        "name": "Pro",
        "price_id": "price_1SNa2bKq4RtYw2VdPro9Month",
        "amount": 2900,
        "currency": "usd",
        "interval": "month",
    },
    {"slug": "team", "name": "Team", "price_id": "price_team", "amount": 9900, "currency": "usd", "interval": "month"},
]
