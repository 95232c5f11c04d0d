"""Sentences that explanations and refused actions share."""

ASK_FOR_A_NEW_ONE = "have the person request a new one"
BLANKED = f"Its body has been deleted, so {ASK_FOR_A_NEW_ONE}."
CHOOSE_A_PROVIDER = (
    "To send real email, set EMAIL_PROVIDER and the provider's key in .env (see docs/providers.md), "
    "and restart every process."
)
