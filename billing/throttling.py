"""The rate limits of billing, each shared by an API view and its page."""

from common.throttling import Limits, PersonThrottle

STRIPE_PAGE_LIMITS: Limits = [PersonThrottle("billing")]
