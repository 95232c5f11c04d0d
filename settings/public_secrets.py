"""The secrets of development and of the tests. Everybody can read them here, so production must not use them."""

SECRET_KEY = "development-only-insecure-key-that-production-refuses-to-start-with"  # noqa: S105
WEBHOOK_SECRET = "whsec_ZGV2ZWxvcG1lbnQtb25seS1pbnNlY3VyZQ=="  # noqa: S105
STRIPE_WEBHOOK_SECRET = "whsec_development-only-insecure"  # noqa: S105
SENDGRID_PUBLIC_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE9QE1GQdK0uOfT768CrKMSER7LWIE0EPOPyKAnaV+jjjMY0jUMSGgL6aY7K1ViR5lZAiaB17m8v"
    "Y6UpmcxTtirA=="
)
TEST_SECRET_KEY = "test-only-key-" + "t" * 40
ALL = frozenset({SECRET_KEY, WEBHOOK_SECRET, STRIPE_WEBHOOK_SECRET, SENDGRID_PUBLIC_KEY, TEST_SECRET_KEY})
