"""Every event that Stripe documents, in both generations, five times each, in any order, six at a time."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from billing.tests.support.stripe_events import all_payloads
from tests.support.stack import POSTGRES, postgres_answers, temporary_database
from tests.support.stripe_endpoint import StripeEndpoint

TIMES, THREADS = 5, 6
EXPECTED_EMAILS = {
    "receipt:in_1SPb7xKq4RtYw2VdA1b2C3d4",
    "receipt:cs_live_b1guestB2c3D4e5F6g7H8",
    "failed:cs_live_c1sepaD2e3F4g5H6i7J8",
    "ended:sub_1SPb7zKq4RtYw2Vd",
}
# Sent only if the failure is reported before the end of the invoice, and before any later failure.
POSSIBLE_EMAILS = {"dunning:in_1SaT00Kq4RtYw2VdRenewal02:1", "dunning:in_1SaT00Kq4RtYw2VdRenewal02:4"}
STATE = [
    "SELECT id, type, status FROM billing_stripeevent",
    "SELECT id, customer_id, status, price_id, quantity, current_period_end, trial_end, cancel_at, ended_at, version,"
    " first_paid_at FROM billing_subscription",
    "SELECT stripe_id, customer_id, user_id, email, status, amount, currency, number, paid_at, attempt,"
    " next_attempt_at, payment_intent, charge FROM billing_payment",
    "SELECT id, user_id, email, name FROM billing_customer",
    "SELECT payment_intent, invoice FROM billing_invoicepayment",
]


@pytest.fixture(params=["sqlite", "postgresql"])
def endpoint(request, tmp_path) -> Iterator[StripeEndpoint]:
    with ExitStack() as cleanup:
        url = f"sqlite:///{tmp_path}/stripe.sqlite3"
        if request.param == "postgresql":
            if not postgres_answers():
                pytest.skip("needs PostgreSQL on 127.0.0.1:5432 (user postgres) or TEST_POSTGRES_URL")
            url = f"{POSTGRES}/{cleanup.enter_context(temporary_database())}"
        yield cleanup.enter_context(StripeEndpoint(tmp_path, url))


def check_orders(endpoint: StripeEndpoint, seeds: range) -> None:
    endpoint.start_web()
    states = set()
    for seed in seeds:
        endpoint.forget_everything()
        assert endpoint.post_shuffled(all_payloads(), seed, times=TIMES, threads=THREADS) == {200}
        keys = endpoint.email_keys()
        assert set(keys) - POSSIBLE_EMAILS == EXPECTED_EMAILS, f"seed {seed}"
        assert len(keys) == len(set(keys)), f"seed {seed}"
        states.add("\n".join(row for sql in STATE for row in endpoint.rows(sql)))
    assert len(states) == 1, "\n\n".join(states)
    assert "'received'" not in str(states)
    emails = f"{len(EXPECTED_EMAILS)} emails, and those that the order allows"
    print(f"{len(seeds)} orders of {len(all_payloads()) * TIMES} deliveries: one state, {emails}")


@pytest.mark.parametrize("with_user", [True, False])
def test_few_orders_lead_to_one_state_and_one_email_each(endpoint, with_user):
    check_orders(endpoint.prepare(with_user=with_user), range(3))


@pytest.mark.exhaustive
def test_fifty_orders_lead_to_one_state_and_one_email_each(endpoint):
    is_concurrent = endpoint.database_url.startswith("postgres")  # SQLite allows one writer at a time
    check_orders(endpoint.prepare(with_user=True), range(100, 150 if is_concurrent else 110))
