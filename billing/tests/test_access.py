"""Access decisions: who may use what they pay for."""

import pytest
from django.contrib.auth.models import AnonymousUser
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from billing.access import HasActiveSubscription, user_has_plan, user_has_subscription
from billing.models import Customer, Subscription

PRICE = "price_1SNa2bKq4RtYw2VdPro9Month"


class ReportView(APIView):
    permission_classes = [IsAuthenticated, HasActiveSubscription]

    def get(self, request):
        return Response("the report")


@pytest.fixture
def subscribe(ada):
    customer = Customer.objects.create(pk="cus_1", user=ada)

    def subscribe(status, price_id=PRICE):
        Subscription.objects.create(pk=f"sub_{status}", customer=customer, status=status, price_id=price_id)

    return subscribe


def report(user):
    request = APIRequestFactory().get("/report/")
    force_authenticate(request, user)
    return ReportView.as_view()(request)


@pytest.mark.parametrize(
    ("status", "has_access"),
    [
        ("active", True),
        ("trialing", True),
        ("past_due", True),
        ("unpaid", False),
        ("canceled", False),
        ("incomplete", False),
        ("incomplete_expired", False),
        ("paused", False),
        ("a_new_word", False),
        ("", False),
    ],
)
def test_status_decides_access(ada, subscribe, status, has_access):
    subscribe(status)
    assert (user_has_plan(ada, "pro"), user_has_subscription(ada)) == (has_access, has_access)
    assert report(ada).status_code == (200 if has_access else 403)


def test_refusal_advises_to_choose_a_plan(ada):
    response = report(ada)
    assert response.data["code"] == "subscription_required"
    assert "Choose a plan" in response.data["detail"]


def test_former_price_keeps_its_plan(ada, subscribe, settings):
    subscribe("active", "price_of_2020")
    assert not user_has_plan(ada, "pro")
    settings.BILLING_PLANS = [{**settings.BILLING_PLANS[0], "former_price_ids": ("price_of_2020",)}]
    assert user_has_plan(ada, "pro")


def test_unknown_price_gives_no_access(ada, subscribe, settings, ada_api):
    subscribe("active", "price_of_another_product")
    assert not user_has_subscription(ada)
    assert report(ada).status_code == 403
    assert ada_api.get("subscription/").json()["gives_access"] is False
    settings.BILLING_PLANS = [{**settings.BILLING_PLANS[0], "former_price_ids": ["price_of_another_product"]}]
    assert user_has_subscription(ada)
    assert report(ada).status_code == 200
    assert ada_api.get("subscription/").json()["gives_access"] is True


def test_unknown_plan_raises_lookup_error(ada):
    with pytest.raises(LookupError, match="prro"):
        user_has_plan(ada, "prro")


def test_anonymous_user_has_no_access(db):
    assert not user_has_plan(AnonymousUser(), "pro")
    assert not user_has_subscription(AnonymousUser())


@pytest.mark.parametrize("check", [lambda user: user_has_plan(user, "pro"), user_has_subscription, report])
def test_access_check_costs_one_query(ada, subscribe, django_assert_num_queries, check):
    subscribe("active")
    with django_assert_num_queries(1):
        check(ada)
