"""Sentences that explanations and refused actions share."""

ASK_FOR_A_NEW_ONE = "have the person request a new one"
BLANKED = f"Its body has been deleted, so {ASK_FOR_A_NEW_ONE}."
