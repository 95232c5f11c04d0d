"""A challenge at sign-up, for which the owner of the site names a function."""

import pytest
from django.core.checks import run_checks

from accounts.models import User
from accounts.tests.support.users import ADA

PATH = f"{__name__}.is_person"


def is_person(request) -> bool:
    return "solved" in (request.POST.get("challenge"), request.headers.get("Sign-Up-Challenge"))


@pytest.fixture(autouse=True)
def challenge(settings):
    settings.ACCOUNTS_SIGNUP_CHALLENGE = PATH


def test_api_refuses_and_accepts(post, sent_emails):
    refused = post("signup/", ADA)
    assert (refused.status_code, refused.json()["code"]) == (400, "challenge_failed")
    assert not User.objects.exists()
    assert sent_emails == []
    assert post("signup/", ADA, headers={"Sign-Up-Challenge": "solved"}).status_code == 201


def test_page_refuses_and_accepts(client, db):
    refused = client.post("/signup", ADA)
    assert refused.status_code == 400
    assert "Try again" in refused.content.decode()
    assert client.post("/signup", {**ADA, "challenge": "solved"}).status_code == 302
    assert User.objects.count() == 1


def test_refusal_is_the_same_for_a_known_address(post, ada):
    assert post("signup/", ADA).json()["code"] == "challenge_failed"


def test_check_names_a_path_without_a_function(settings, db):  # on Django 6.1, a check queries SQLite
    assert not [problem for problem in run_checks() if problem.id == "accounts.E001"]
    for path in ("nothing", "nothing.at_all", f"{__name__}.PATH", f"{__name__}.missing"):
        settings.ACCOUNTS_SIGNUP_CHALLENGE = path
        assert [problem.id for problem in run_checks() if problem.id == "accounts.E001"] == ["accounts.E001"], path
