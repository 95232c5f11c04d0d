"""`manage.py stripe_event --story`: a whole story against a running server, with its effects and emails."""

import pytest
from django.core.management import CommandError

from accounts.models import User
from billing.management.commands.stripe_event import webhook_url
from billing.models import Payment, StripeEvent, Subscription
from billing.testing.stories import all_stories
from billing.tests.support.story_plans import TWO_PLANS
from billing.tests.test_stripe_event import run_stripe_event as run_stripe_event
from emails.models import OutboundEmail


@pytest.fixture(autouse=True)
def two_plans(settings) -> None:
    settings.BILLING_PLANS = TWO_PLANS


@pytest.mark.parametrize("generation", ["old", "new"])
def test_each_step_is_printed_with_its_effect_and_emails(run_stripe_event, live_server, generation):
    output = run_stripe_event("--story", "dunning", "--generation", generation)
    blocks = output.split("\n200 ")
    assert blocks[0].startswith("dunning: The bank refuses a renewal three times.")
    failed = [block for block in blocks if block.startswith("invoice.payment_failed evt_")]
    assert len(failed) == 3
    assert all(", Failed, next attempt on " in block for block in failed)
    key = OutboundEmail.objects.get(idempotency_key__endswith=":2").idempotency_key
    pk = OutboundEmail.objects.get(idempotency_key=key).pk
    assert f"payment_failed to ada@example.com, {key}: {live_server.url}/admin/emails/outboundemail/{pk}/" in failed[1]
    assert "Subscription: Pro, Payment failed, $29.00 per month, access" in output
    assert "The end of dunning, with 5 emails.\n    Subscription: Pro, Active, $29.00 per month, access" in output


def test_shuffled_story_ends_the_same(run_stripe_event):
    outputs = [run_stripe_event("--story", "trial-paused", "--shuffle", seed) for seed in ("3", "3", "4")]
    types = [[line.split()[1] for line in text.splitlines() if line.startswith("200 ")] for text in outputs]
    first, again, other = ([name for name in order if "deleted" not in name] for order in types)
    assert first == again != other
    assert sorted(first) == sorted(other)
    assert all("Subscription: Pro, Active, $29.00 per month, access" in text.split("The end")[1] for text in outputs)


def test_story_that_waits_for_the_sweep_says_so(run_stripe_event):
    output = next(
        text
        for seed in range(20)
        if "repeated every 15 seconds" in (text := run_stripe_event("--story", "refund-failed", "--shuffle", str(seed)))
    )
    assert "The email waits." in output or "isn't known" in output


def test_next_story_ends_the_subscription_of_the_last(run_stripe_event):
    run_stripe_event("--story", "pause")
    output = run_stripe_event("--story", "purchase")
    assert "    Ended the subscription of an earlier story.\n    subscription_ended to ada@example.com" in output
    assert sorted(Subscription.objects.values_list("status", flat=True)) == ["active", "canceled"]


def test_story_leaves_other_subscriptions_alone(run_stripe_event):
    ada = User.objects.create_user("ada@example.com")
    run_stripe_event("--story", "purchase")
    Subscription.objects.update(id="sub_1RealOne")
    run_stripe_event("--story", "purchase")
    assert Subscription.objects.of(ada.pk).get(pk="sub_1RealOne").status == "active"


def test_list_names_every_story(run_stripe_event):
    output = run_stripe_event("--list")
    assert all(f"  {name}: {story.about}\n" in output for name, story in all_stories().items())
    assert not StripeEvent.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--story", "nonsense"], r"Unknown story 'nonsense'. The available stories are: .*dunning.*refund-failed"),
        (["--story", "dunning", "invoice.paid"], "Name either an event type or a story"),
        (["--story", "dunning", "--amount", "5"], "A story has its own amounts"),
        (["--story", "dunning", "--generation", "2020"], "--generation takes new or old"),
        (["--story", "dunning", "--shuffle", "soon"], "--shuffle takes a whole number"),
        (["--story", "dunning", "--email", "ada"], "--email takes one email address"),
    ],
)
def test_invalid_argument_of_a_story_is_named(run_stripe_event, arguments, message):
    with pytest.raises(CommandError, match=message):
        run_stripe_event(*arguments)
    assert not StripeEvent.objects.exists()


@pytest.mark.parametrize("generation", ["old", "new"])
def test_failed_payment_alone_leaves_the_person_past_due(run_stripe_event, generation):
    arguments = ("--generation", generation)
    run_stripe_event("invoice.payment_failed", *arguments)
    assert Subscription.objects.get().status == "past_due"
    run_stripe_event("invoice.payment_action_required", *arguments)
    payment = Payment.objects.get()
    assert (payment.status, payment.attempt) == ("failed", 2)
    run_stripe_event("invoice.paid", *arguments)
    assert Subscription.objects.get().status == "active"
    assert Payment.objects.get().status == "paid"


def test_links_use_the_host_of_the_other_pages(settings):
    assert webhook_url(None) == f"http://localhost:{settings.PORT}/stripe/webhook"
