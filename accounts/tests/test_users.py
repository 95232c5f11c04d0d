"""The user model and its email address."""

from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import User
from accounts.tests.support.users import PASSWORD


def test_address_is_unique_whatever_its_case(ada):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("ADA@EXAMPLE.COM")
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.bulk_create([User(email="Ada@example.com")])


def test_database_refuses_duplicate_in_another_case(ada):
    columns = "password, is_superuser, email, name, language, date_joined, is_active, is_staff"
    values: list[Any] = ["", False, "ADA@example.com", "", "en", timezone.now(), True, False]
    with connection.cursor() as cursor, pytest.raises(IntegrityError), transaction.atomic():
        cursor.execute(f"INSERT INTO accounts_user ({columns}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", values)


def test_every_spelling_finds_the_user(ada):
    assert User.objects.get(email="ADA@example.com") == ada
    assert User.objects.get_by_natural_key("Ada@Example.com") == ada
    assert authenticate(username="ADA@EXAMPLE.COM", password=PASSWORD) == ada
    assert User.objects.filter(email__icontains="A@EXAM").get() == ada


def test_update_and_save_normalize_the_address(ada):
    User.objects.update(email="Countess@BÜCHER.example")
    ada.refresh_from_db()
    assert ada.email == "countess@xn--bcher-kva.example"
    ada.email = "ADA@example.com"
    ada.save()
    assert ada.email == "ada@example.com"


def test_user_needs_an_address(db):
    with pytest.raises(ValueError, match="must have an email address"):
        User.objects.create_user("")


def test_form_refuses_a_duplicate_user(ada):
    with pytest.raises(ValidationError) as refusal:
        User(email="ADA@example.com", password="x").full_clean()
    assert list(refusal.value.message_dict) == ["email"]


def test_createsuperuser_refuses_invalid_or_taken_address(ada, monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    for email in ("nonsense", "ADA@example.com"):
        with pytest.raises(CommandError):
            call_command("createsuperuser", "--noinput", "--email", email)


def test_address_is_confirmed_once(unconfirmed_user):
    assert unconfirmed_user.confirm_email() is True
    assert unconfirmed_user.confirm_email() is False
