"""Every story in billing/testing/stories/, played in its own order in both generations, ends as it says."""

from collections.abc import Collection
from pathlib import Path
from runpy import run_path
from uuid import UUID

import pytest

from billing.models import Payment, StripeEvent, Subscription
from billing.pages.display import payment_badge
from billing.testing.stories import all_stories, read
from billing.testing.stories.objects import Objects
from billing.testing.stories.performance import Performance, perform, scenario_of
from billing.testing.stories.times import resolved
from billing.tests.support.story_plans import TWO_PLANS
from billing.tests.support.stripe_events import GENERATIONS, post
from billing.webhook.handlers import HANDLERS
from emails.models import OutboundEmail

ROOT = Path(__file__).resolve().parent.parent.parent
STORIES = all_stories()
BADGES = {
    "paid": "Paid",
    "failed": "Failed",
    "canceled": "Canceled",
    "uncollectible": "Written off",
    "refunded": "Refunded",
    "partly refunded": "Partially refunded",
    "disputed": "Disputed",
}


@pytest.fixture(autouse=True)
def two_plans(settings) -> None:
    settings.BILLING_PLANS = TWO_PLANS


def kinds_after(known: Collection[UUID]) -> list[str]:
    return [row.kind for row in OutboundEmail.objects.order_by("created_at") if row.pk not in known]


def check_end(played: Performance) -> None:
    """Check that subscription, access, and payments are as the story says."""
    ends = played.story.ends
    subscription = Subscription.objects.filter(pk=played.ids.get(("subscription", "first"), "")).first()
    if subscription:
        assert (subscription.status, subscription.gives_access) == (ends["subscription"], ends["access"])
    else:
        assert "subscription" not in ends
    ids = {pk: name for (kind, name), pk in played.ids.items() if kind in ("invoice", "session")}
    found = {
        ids[row.stripe_id]: payment_badge(row).text for row in Payment.objects.filter(stripe_id__in=ids).with_refunds()
    }
    assert found == {name: BADGES[state] for name, state in ends.get("payments", {}).items()}


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("name", STORIES)
def test_story_has_the_emails_and_the_end_that_it_states(ada, name, generation):
    played = perform(STORIES[name], ada.email, generation)
    for scene in played.scenes:
        known = {row.pk for row in OutboundEmail.objects.all()}
        assert post(scene.event).status_code == 200
        event = StripeEvent.objects.get(pk=scene.event["id"])
        assert (event.status, event.error) == ("processed", "")
        is_handled = event.type in HANDLERS
        assert event.note == ("" if is_handled else "This type has no handler.")
        assert not is_handled or kinds_after(known) == list(scene.step.emails), event.type
    check_end(played)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_all_stories_of_one_person_leave_each_other_alone(ada, generation):
    played = [perform(STORIES[name], ada.email, generation) for name in STORIES]
    for performance in played:
        for event in performance.events:
            assert post(event).status_code == 200
    for performance in played:
        check_end(performance)


def test_stories_suit_the_plans_of_a_new_project(ada, settings):
    # Tests of an app don't import the settings.
    settings.BILLING_PLANS = run_path(str(ROOT / "settings/plans.py"))["BILLING_PLANS"]
    for name in ("upgrade", "downgrade-scheduled", "interval-change", "seats", "add-on"):
        played = perform(STORIES[name], ada.email)
        for event in played.events:
            assert post(event).status_code == 200
        check_end(played)


def test_two_performances_share_no_object_but_the_customer(ada):
    first, second = (perform(STORIES["dunning"], ada.email) for _ in range(2))
    assert not set(first.ids.values()) & set(second.ids.values())
    assert {event["id"] for event in first.events}.isdisjoint(event["id"] for event in second.events)


def test_events_happen_one_after_another_until_now(ada):
    created = [event["created"] for event in perform(STORIES["downgrade-scheduled"], ada.email).events]
    assert created == sorted(set(created))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"about": "A typo.", "stepps": []}, "unknown entry stepps"),
        ({"about": "No steps."}, "needs a sentence in about, and steps"),
        ({"steps": [{"event": "invoice.paid"}]}, "needs a sentence in about, and steps"),
        ({"about": "No event.", "steps": [{"status": "paid"}]}, "names no event"),
        ({"about": "Too early.", "starts_with": "nothing", "steps": []}, "starts with 'nothing', which is not a story"),
    ],
)
def test_mistake_in_a_story_is_named(entry, message):
    with pytest.raises(ValueError, match=message):
        read("mine", {"mine": entry})


@pytest.mark.parametrize(
    ("event", "changes", "message"),
    [
        ("invoice.paid", {"stauts": "paid"}, "Stripe's invoice has no field stauts"),
        ("payout.paid", {}, "no events of the type 'payout.paid'"),
        ("customer.subscription.updated", {"items": ["gold"]}, "'gold' is not something to buy"),
        ("customer.subscription.updated", {"schedule": "id of schedule"}, "There is no schedule yet"),
    ],
)
def test_mistake_in_a_step_is_named(ada, event, changes, message):
    objects = Objects(scenario_of(STORIES["purchase"], ada.email), ["first"])
    with pytest.raises(ValueError, match=message):
        objects.change(event, "", changes, 1_800_000_000)


def test_story_needs_the_plans_that_it_names(ada, settings):
    settings.BILLING_PLANS = TWO_PLANS[:1]
    with pytest.raises(ValueError, match=r"upgrade: This story needs a second plan in settings/plans.py"):
        perform(STORIES["upgrade"], ada.email)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("now", 1_800_000_000),
        ("in 3 days", 1_800_259_200),
        ("1 hour ago", 1_799_996_400),
        ("month now", 1),
        ("year in 1 year", 2028),
        ("none", None),
        ("in three days", "in three days"),
    ],
)
def test_times_are_seen_from_the_step(text, value):
    assert resolved({"a": [text]}, 1_800_000_000) == {"a": [value]}
