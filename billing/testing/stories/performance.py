"""The events of a story about a certain person."""

from dataclasses import dataclass, replace

from billing.testing import ONLY_NEW, event
from billing.testing.scenario import Data, Scenario, new_id
from billing.testing.stories import Step, Story, moments
from billing.testing.stories.objects import Objects


@dataclass(frozen=True, slots=True)
class Scene:
    """A step of a story, and its event."""

    step: Step
    event: Data


@dataclass(frozen=True, slots=True)
class Performance:
    """A story with its events. ``ids`` are those of the story's objects at Stripe, by kind and name."""

    story: Story
    scenes: list[Scene]
    ids: dict[tuple[str, str], str]

    @property
    def events(self) -> list[Data]:
        return [scene.event for scene in self.scenes]


def perform(story: Story, email: str, generation: str = "new") -> Performance:
    """Return the events of the story, with new ids, except for the customer's. Raises ``ValueError``."""
    scenario = scenario_of(story, email)
    objects = Objects(scenario, story.items, is_guest=story.is_guest)
    scenes = []
    for step, at in zip(story.steps, moments(story, scenario.now), strict=True):
        try:
            data, owner = objects.change(step.event, step.of, step.changes, at)
        except ValueError as error:
            raise ValueError(f"The step {step.event} of the story {story.name}: {error}") from None
        if generation == "new" or step.event not in ONLY_NEW:
            scenes.append(Scene(step, event(step.event, owner, data, generation)))
    ids = {key: data["id"] for key, data in objects.known.items() if "id" in data}
    return Performance(story, scenes, ids)


def scenario_of(story: Story, email: str) -> Scenario:
    """Return a scenario about a new subscription of the person."""
    known = Scenario.for_person(email, None, "", refers_to_payment=False)
    return replace(
        known,
        user_id=None if story.is_guest else known.user_id,
        subscription=new_id("sub"),
        invoice=new_id("in"),
        payment_intent=new_id("pi"),
        is_renewal=False,
    )
