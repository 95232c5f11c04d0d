"""A password is the same in every way to encode its letters, wherever it is entered."""

import unicodedata

import pytest
from django.contrib.auth.hashers import check_password, make_password
from django.test import Client

from accounts.models import User
from accounts.services import reset_password
from accounts.services.passwords import change_password
from accounts.tokens import make_password_reset_token

PASSWORD = "grün-und-blau-77x"
FORMS = ["NFC", "NFD", "NFKC", "NFKD"]


def in_form(form, password=PASSWORD):
    return unicodedata.normalize(form, password)


@pytest.fixture
def user(db, ada):
    ada.set_password(in_form("NFC"))
    ada.save()
    return ada


@pytest.mark.parametrize("entered", FORMS)
@pytest.mark.parametrize("stored", FORMS)
def test_login_accepts_every_form(user, post, stored, entered):
    # As a release stored it that didn't normalize.
    User.objects.update(password=make_password(in_form(stored)))
    assert post("login", {"email": user.email, "password": in_form(entered)}).status_code == 200
    user.refresh_from_db()
    assert check_password(in_form("NFKC"), user.password)


def test_wrong_password_is_refused_in_every_form(user, post):
    for form in FORMS:
        refused = post("login", {"email": user.email, "password": in_form(form, "grün-und-blau-77y")})
        assert refused.status_code == 400


def test_browser_login_accepts_every_form(user):
    for form in FORMS:
        browser = Client()
        browser.post("/login", {"email": user.email, "password": in_form(form)})
        assert "_auth_user_id" in browser.session


def test_compatible_letters_are_equal(user):
    user.set_password("Schiﬀ-und-① Meer")
    assert user.check_password("Schiff-und-1 Meer")
    assert user.has_password("Schiﬀ-und-① Meer")


def test_new_password_is_normalized_wherever_it_is_set(user, client):
    reset_password(token=make_password_reset_token(user), password=in_form("NFD", "löwe-und-bär-55z"))
    user.refresh_from_db()
    assert check_password(in_form("NFKC", "löwe-und-bär-55z"), user.password)
    decomposed = in_form("NFD", "löwe-und-bär-55z")
    change_password(user=user, password=decomposed, new_password=in_form("NFD"), session=client.session)
    user.refresh_from_db()
    assert check_password(in_form("NFKC"), user.password)
    created = User.objects.create_user("bob@example.com", in_form("NFD"))
    assert check_password(in_form("NFKC"), created.password)


def test_strangers_name_is_gone_after_the_owner_proves_the_address(unconfirmed_user, sent_emails):
    User.objects.update(name="Evil")
    unconfirmed_user.refresh_from_db()
    owner = reset_password(token=make_password_reset_token(unconfirmed_user), password="a-password-of-my-own-88")
    assert (owner.name, User.objects.get().name) == ("", "")
    assert not any("Evil" in message.body for message in sent_emails)
    browser = Client()
    browser.force_login(owner)
    assert "Enter your name" in browser.get("/dashboard").content.decode()


def test_name_stays_after_a_reset_of_a_confirmed_account(user):
    reset_password(token=make_password_reset_token(user), password="a-password-of-my-own-88")
    assert User.objects.get().name == user.name != ""
