"""Posts the events of a story to a running server, and reports what each of them does."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace

from billing.models import StripeEvent, Subscription
from billing.models.subscriptions import FINAL
from billing.testing import SampleEvent, event, outcomes
from billing.testing.posts import Target, post
from billing.testing.scenario import Scenario
from billing.testing.stories import DAY, Story
from billing.testing.stories.performance import Scene, perform
from billing.testing.subscriptions import ended_subscription
from common.db import database_now

Write = Callable[[str], object]

SAMPLES = "sub_sample"


def tell(story: Story, email: str, target: Target, write: Write, *, generation: str, seed: int | None = None) -> None:
    """Post the story's events in order, or in the random order of ``seed``, and write a report of each.

    Raises ``ValueError`` if the story doesn't suit the settings, and ``CommandError`` if the server refuses an event.
    """
    write(f"{story.name}: {story.about}")
    for ending in endings(email, generation):
        began = database_now()
        write(f"{post(ending, target)} {ending['type']} {ending['id']}")
        emails = outcomes.emails_about([ending["data"]["object"]["id"]], email, began)
        for line in ("Ended the subscription of an earlier story.", *outcomes.lines_about(ending, emails, target.site)):
            write(f"    {line}")
    performance = perform(story, email, generation)
    scenes = [*performance.scenes]
    if seed is not None:
        random.Random(seed).shuffle(scenes)
    watch = outcomes.Watch([*performance.ids.values()])
    started_at = database_now()
    newest = max(scene.event["created"] for scene in scenes)
    for scene in scenes:
        began = database_now()
        write(f"{post(scene.event, target)} {scene.event['type']} {scene.event['id']}{when(scene, newest)}")
        emails = outcomes.emails_about(watch.ids, email, began)
        for line in lines_of(scene, [*watch.changes()], [*outcomes.lines_about(scene.event, emails, target.site)]):
            write(f"    {line}")
    queued = outcomes.emails_about(watch.ids, email, started_at)
    count = "1 email" if len(queued) == 1 else f"{len(queued)} emails"
    write("\n".join([f"The end of {story.name}, with {count}.", *(f"    {state}" for _, state in watch.states())]))
    waiting = StripeEvent.objects.filter(pk__in=[scene.event["id"] for scene in scenes]).exclude(due_at=None).count()
    if waiting:
        write(f"    Events that wait for an earlier one, and are repeated every 15 seconds: {waiting}")


def lines_of(scene: Scene, changes: list[str], results: list[str]) -> Iterator[str]:
    if scene.step.why:
        yield scene.step.why
    yield from [*changes, *results] or ["No change of subscription or payment."]


def when(scene: Scene, newest: int) -> str:
    days = (newest - scene.event["created"]) // DAY
    return f" ({days} days ago)" if days > 1 else " (yesterday)" if days else ""


def endings(email: str, generation: str) -> Iterator[SampleEvent]:
    """Yield the events that end what earlier stories have left running, so that the person has one subscription."""
    scenario = Scenario.for_person(email, None, "", refers_to_payment=False)
    running = Subscription.objects.filter(customer=scenario.customer, pk__startswith=SAMPLES).exclude(status__in=FINAL)
    for subscription in running:
        ended = replace(scenario, subscription=subscription.pk)
        yield event("customer.subscription.deleted", ended, ended_subscription(ended), generation)
