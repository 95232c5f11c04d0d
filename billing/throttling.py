"""The rate limits of billing, each shared by an API view and its page."""

from common.throttling import person_limits

STRIPE_PAGE_LIMITS = person_limits("billing", "billing")
