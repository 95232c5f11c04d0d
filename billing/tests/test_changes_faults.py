"""Stripe fails, or responds too late, during a preview, a change, a cancellation, or its undoing: never twice, never
lost."""

import uuid
from datetime import timedelta

import pytest
from django.db.models import F

from accounts.models import User
from accounts.tests.support.browser import text_of
from billing.models import SubscriptionChange
from billing.services.stripe_customers import KEY_LIFE
from billing.tasks import handle_due_events
from billing.tests.support.changes import bought, confirm, mine, preview, subscribe
from billing.tests.support.parallel import run_in_parallel

ASK, PRICE, PREVIEW = "ok", "ok", "ok"
BEFORE_CHANGE = [ASK, PRICE, PREVIEW, ASK]  # the calls of a confirmed upgrade before the one that makes it
UNKNOWN = [
    "timeout-before",
    "timeout-after",
    "cut-before",
    "cut-after",
    "rubbish",
    "truncated",
    "list",
    "503-html",
    "500",
]


@pytest.fixture
def pro(stripe, ada):
    return subscribe(stripe, ada, ("price_pro", 1))


@pytest.fixture
def token(ada_api, pro):
    return preview(ada_api, quantity=5).json()["token"]


def make_due():
    SubscriptionChange.objects.filter(status="pending").update(due_at=F("created_at"))


def updates(stripe, subscription):
    return stripe.calls(f"/v1/subscriptions/{subscription['id']}")


def statuses():
    return [*SubscriptionChange.objects.values_list("status", "refusal")]


@pytest.mark.parametrize("fault", ["timeout-after", "list", "500-stored", "429;retry-after=7"])
def test_failing_preview_is_a_503_and_can_be_repeated(stripe, ada_api, pro, fault):
    for calls_before in range(3):
        stripe.faults = ["ok"] * calls_before + [fault] * 3
        response = preview(ada_api, quantity=5)
        assert (response.status_code, response.json()["code"]) == (503, "stripe_unavailable")
        assert int(response.headers["Retry-After"]) == (7 if "=" in fault else 10)
        stripe.faults = []
    assert preview(ada_api, quantity=5).status_code == 200
    assert (bought(pro), SubscriptionChange.objects.count()) == ([("price_pro", 1)], 0)


@pytest.mark.parametrize("fault", ["401", "403"])
def test_rejected_key_is_reported(stripe, ada_api, pro, token, fault):
    stripe.faults = [fault]
    assert preview(ada_api, quantity=5).status_code == 502
    stripe.faults = [*BEFORE_CHANGE, fault]
    assert confirm(ada_api, token, quantity=5).json()["code"] == "stripe_refused"
    assert (statuses(), bought(pro)) == ([("refused", "stripe_refused")], [("price_pro", 1)])


@pytest.mark.parametrize("fault", [*UNKNOWN, "429;retry-after=7", "500-stored"])
def test_lost_response_is_pending_and_then_found_out(stripe, ada_api, pro, token, fault):
    stripe.faults = [*BEFORE_CHANGE, *[fault] * 3]
    response = confirm(ada_api, token, quantity=5)
    stripe.faults = []
    assert (response.status_code, response.json()["code"]) == (503, "change_pending")
    assert "being processed" in response.json()["detail"]
    data = mine(ada_api)
    assert (data["pending_change"]["plan"], data["can_change"], data["can_cancel"]) == ("team", False, False)
    assert preview(ada_api, quantity=6).json()["code"] == "change_in_progress"
    assert ada_api.post("subscription/cancel/").json()["code"] == "change_in_progress"
    make_due()
    handle_due_events()
    assert (bought(pro), len(stripe.issued)) == ([("price_team", 5)], 1)
    assert (statuses(), mine(ada_api)["pending_change"]) == ([("done", "")], None)
    assert confirm(ada_api, token, quantity=5).json()["plan"]["slug"] == "team"


@pytest.mark.parametrize("fault", ["timeout-before", "timeout-after", "500-stored"])
def test_person_who_repeats_the_request_gets_the_one_change(stripe, ada_api, pro, token, fault):
    stripe.faults = [*BEFORE_CHANGE, *[fault] * 3]
    assert confirm(ada_api, token, quantity=5).status_code == 503
    stripe.faults = []
    assert confirm(ada_api, token, quantity=5).status_code == 200
    assert confirm(ada_api, token, quantity=5).status_code == 200
    assert (bought(pro), len(stripe.issued), statuses()) == ([("price_team", 5)], 1, [("done", "")])


@pytest.mark.parametrize("calls_before", range(4))
def test_failure_before_the_change_changes_nothing(stripe, ada_api, pro, token, calls_before):
    stripe.faults = ["ok"] * calls_before + ["503"] * 3
    response = confirm(ada_api, token, quantity=5)
    stripe.faults = []
    assert response.status_code == 503
    assert confirm(ada_api, token, quantity=5).status_code == 200
    assert (bought(pro), len(stripe.issued)) == ([("price_team", 5)], 1)


@pytest.mark.parametrize("fault", ["timeout-after", "503"])
def test_lost_answer_after_the_change_does_not_matter(stripe, ada_api, pro, token, fault):
    stripe.faults = [*BEFORE_CHANGE, "ok", *[fault] * 3]
    assert confirm(ada_api, token, quantity=5).status_code == 200
    handle_due_events()
    assert mine(ada_api)["plan"]["slug"] == "team"


@pytest.mark.parametrize(
    ("card", "code"), [("declined", "payment_declined"), ("confirm", "payment_needs_confirmation")]
)
def test_declined_card_changes_nothing_and_can_be_replaced(stripe, ada_api, pro, token, card, code):
    stripe.card = card
    for _ in range(2):
        response = confirm(ada_api, token, quantity=5)
        assert (response.status_code, response.json()["code"]) == (402, code)
    assert (bought(pro), stripe.issued, len(updates(stripe, pro))) == ([("price_pro", 1)], [], 1)
    assert mine(ada_api)["can_change"] is True
    stripe.card = "ok"
    assert confirm(ada_api, preview(ada_api, quantity=5).json()["token"], quantity=5).status_code == 200
    assert len(stripe.issued) == 1


def test_card_that_is_declined_later_is_shown(stripe, ada, ada_api, pro, token, client):
    stripe.faults = [*BEFORE_CHANGE, *["timeout-before"] * 3]
    confirm(ada_api, token, quantity=5)
    stripe.faults, stripe.card = [], "declined"
    make_due()
    handle_due_events()
    assert statuses() == [("refused", "payment_declined")]
    client.force_login(ada)
    assert "Your last change wasn't made. Your payment was declined" in text_of(client.get("/billing"))


def test_subscription_that_stripe_does_not_have_is_reported(stripe, ada_api, pro, token):
    del stripe.subscriptions[pro["id"]]
    assert preview(ada_api, quantity=5).json()["code"] == "subscription_ended"
    assert confirm(ada_api, token, quantity=5).status_code == 409
    for action in ("cancel", "resume"):
        assert ada_api.post(f"subscription/{action}/").json()["code"] == "subscription_ended"


def test_change_made_elsewhere_in_between_is_not_overwritten(stripe, ada_api, pro, token):
    stripe.faults = [*BEFORE_CHANGE, *["timeout-before"] * 3]
    confirm(ada_api, token, quantity=5)
    stripe.faults = []
    pro["items"]["data"][0] |= {"price": stripe.catalog["price_pro_year"]}
    make_due()
    handle_due_events()
    assert (bought(pro), statuses()) == ([("price_pro_year", 1)], [("refused", "preview_outdated")])


@pytest.mark.parametrize("was_made", [True, False])
def test_change_that_is_older_than_stripes_keys_is_not_repeated(stripe, ada_api, pro, token, was_made):
    stripe.faults = [*BEFORE_CHANGE, *["timeout-after" if was_made else "timeout-before"] * 3]
    confirm(ada_api, token, quantity=5)
    stripe.faults = []
    stripe.forget_keys()
    SubscriptionChange.objects.update(created_at=F("created_at") - KEY_LIFE - timedelta(minutes=1))
    make_due()
    handle_due_events()
    assert statuses() == [("done", "") if was_made else ("refused", "preview_outdated")]
    assert len(stripe.issued) == was_made


# The other changes


@pytest.mark.parametrize("fault", ["timeout-before", "timeout-after", "cut-after", "500-stored", "429"])
@pytest.mark.parametrize("calls_before", range(2))
def test_scheduled_change_survives_every_lost_response(stripe, ada, ada_api, fault, calls_before):
    team = subscribe(stripe, ada, ("price_team", 5))
    token = preview(ada_api, "pro").json()["token"]
    stripe.faults = [ASK, PRICE, ASK, *["ok"] * calls_before, *[fault] * 3]
    assert confirm(ada_api, token, "pro").json()["code"] == "change_pending"
    stripe.faults = []
    make_due()
    handle_due_events()
    assert mine(ada_api)["scheduled_change"]["plan"]["slug"] == "pro"
    assert (len(stripe.schedules), statuses(), bought(team)) == (1, [("done", "")], [("price_team", 5)])


@pytest.mark.parametrize("fault", ["timeout-before", "timeout-after", "500-stored", "429"])
def test_cancel_and_resume_survive_lost_responses(stripe, ada_api, pro, fault):
    for action, is_ending in [("cancel", True), ("resume", False)]:
        stripe.faults = [ASK, ASK, *[fault] * 3]
        response = ada_api.post(f"subscription/{action}/")
        stripe.faults = []
        assert (response.status_code, response.json()["code"]) == (503, "change_pending")
        make_due()
        handle_due_events()
        assert pro["cancel_at_period_end"] is is_ending
        assert (mine(ada_api)["cancel_at"] is not None, mine(ada_api)["pending_change"]) == (is_ending, None)
    assert [status for status, _ in statuses()] == ["done", "done"]


def test_cancel_and_resume_can_be_repeated(stripe, ada_api, pro):
    for _ in range(2):
        data = ada_api.post("subscription/cancel/").json()
        assert (data["cancel_at"], data["can_resume"], data["can_cancel"]) == (data["current_period_end"], True, False)
    for _ in range(2):
        data = ada_api.post("subscription/resume/").json()
        assert (data["cancel_at"], data["can_resume"], data["can_cancel"]) == (None, False, True)
    assert len(updates(stripe, pro)) == 2


def test_cancellation_on_a_chosen_day_is_undone(stripe, ada, ada_api):
    subscribe(stripe, ada, ("price_pro", 1), cancel_at=2_000_000_000)
    assert ada_api.post("subscription/resume/").json()["cancel_at"] is None


def test_free_plan_cancels_at_the_end_of_the_period(stripe, ada_api, pro):
    shown = preview(ada_api, "free").json()
    assert (shown["effective"], shown["amount_due"], shown["next_charge"]) == ("period_end", 0, None)
    data = confirm(ada_api, shown["token"], "free").json()
    assert data["cancel_at"] == shown["effective_at"]


@pytest.mark.parametrize("status", ["past_due", "unpaid", "paused"])
def test_cancel_is_possible_while_a_change_is_not(stripe, ada, ada_api, status):
    subscribe(stripe, ada, ("price_pro", 1), status=status)
    assert ada_api.post("subscription/cancel/").status_code == 200


# Clicks at the same moment


class TestParallel:
    @pytest.fixture
    def ada(self, shared_database):
        return User.objects.create_user("ada@own.example", "correct horse battery", name="Ada")

    def test_two_clicks_make_one_change(self, stripe, ada_api, pro, token):
        stripe.latency = 0.05
        responses = run_in_parallel(*[lambda: confirm(ada_api, token, quantity=5)] * 3)
        assert {response.status_code for response in responses} <= {200, 503}
        assert (bought(pro), len(stripe.issued), SubscriptionChange.objects.count()) == (
            [("price_team", 5)],
            1,
            1,
        )
        assert confirm(ada_api, token, quantity=5).status_code == 200

    def test_two_previews_are_confirmed_one_time(self, stripe, ada_api, pro, token):
        stripe.latency = 0.05
        other = preview(ada_api, "pro", interval="year").json()["token"]
        run_in_parallel(
            lambda: confirm(ada_api, token, quantity=5), lambda: confirm(ada_api, other, "pro", interval="year")
        )
        assert len(stripe.issued) == 1

    def test_two_clicks_cancel_and_a_third_resumes(self, stripe, ada_api, pro):
        stripe.latency = 0.05
        cancel = lambda: ada_api.post("subscription/cancel/")  # noqa: E731
        assert {response.status_code for response in run_in_parallel(cancel, cancel, cancel)} <= {200, 503}
        assert pro["cancel_at_period_end"] is True
        assert ada_api.post("subscription/resume/").status_code == 200
        assert pro["cancel_at_period_end"] is False

    def test_deleted_user_gets_a_clear_answer(self, stripe, ada, ada_api, pro, token):
        User.objects.filter(pk=ada.pk).delete()
        assert confirm(ada_api, token, quantity=5).status_code == 401
        assert SubscriptionChange.objects.filter(pk=uuid.uuid4()).count() == 0
