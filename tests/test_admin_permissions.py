"""No pair of permissions leads to a permission that staff do not hold: every form and action of the admin is tried.

An attack with two permissions can differ from the same attack with one of them only if it asks for the other. So each
attack runs with no permission, then with each one that it asked for, and then with each pair that it asked for. Every
other pair of all permissions that exist leads to one of these runs.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.core import mail
from django.core.cache import cache
from django.db import transaction
from django.db.models import Model
from django.test import Client

from accounts.admin.actions import ACTIONS
from accounts.models import User
from emails.models import OutboundEmail
from tests.support.admin_pages import identifiers, make_rows, routes

PASSWORD = "correct horse battery staple"
NEW_PASSWORD = "a longer sentence is a better password"
LINK = "https://app.example.com/reset-password?token=live"
USERS, GROUPS = "/admin/accounts/user/", "/admin/auth/group/"
MODELS = list(admin.site._registry)
PARTS = 4  # so that all cores take part
ROUTES = [route for route in routes() if route.model not in {None, User, Group}]


class Attack(NamedTuple):
    path: str
    data: dict[str, Any] | None  # None for a GET


class People(NamedTuple):
    eve: User  # the staff member whose permissions change
    root: User
    boss: User
    ada: User
    group: Group
    rows: dict[type[Model], Model]

    @property
    def privileged(self) -> list[User]:
        return [self.eve, self.root, self.boss]


@pytest.fixture
def people(db) -> People:
    rows = make_rows()
    group = Group.objects.create(name="Everybody in support")
    group.permissions.set([permission("emails.view_suppression")])
    users = [
        User.objects.create_user(f"{name}@example.com", PASSWORD, email_verified_at="2026-01-01T00:00Z", **rights)
        for name, rights in {
            "eve": {"is_staff": True},
            "root": {"is_staff": True, "is_superuser": True},
            "boss": {"is_staff": True},
            "ada": {},
        }.items()
    ]
    users[0].groups.add(group)
    users[2].user_permissions.set([permission("accounts.delete_user")])
    secret = {"text": LINK, "html": LINK}
    OutboundEmail.objects.create(recipients="root@example.com", kind="password_reset", content=secret, sensitive=True)
    eve, root, boss, ada = users
    return People(eve, root, boss, ada, group, rows)


@pytest.fixture
def eve_client(people) -> Client:
    cache.clear()
    client = Client(raise_request_exception=False)
    client.force_login(people.eve)
    return client


def permission(name: str) -> Permission:
    app_label, _, codename = name.partition(".")
    return Permission.objects.get(content_type__app_label=app_label, codename=codename)


def attacks(people: People) -> Iterator[Attack]:
    """Yield every POST of the admin's pages, and the GETs that could show a live link."""
    everything = [*Permission.objects.values_list("pk", flat=True)]
    rights = {"is_staff": "on", "is_superuser": "on", "groups": people.group.pk, "user_permissions": everything}
    passwords = {"usable_password": "true", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    yield Attack("/admin/password_change/", {"old_password": "wrong", "new_password1": "x", "new_password2": "x"})
    yield Attack("/admin/knox/authtoken/add/", {"user": people.root.pk})
    yield Attack(f"{USERS}add/", {"email": "mallory@example.com", "name": "M", **passwords, **rights})
    for user in (*people.privileged, people.ada):
        profile = {"name": "Eve", "language": "en", "is_active": "on", "email_verified_at_0": "2026-01-01"}
        yield Attack(f"{USERS}{user.pk}/change/", {"email": f"eve+{user.pk}@example.com", **profile, **rights})
        yield Attack(
            f"{USERS}{user.pk}/change/?_popup=1&_to_field=id",
            {"email": f"eve+{user.pk}@example.com", **profile, **rights},
        )
        yield Attack(f"{USERS}{user.pk}/password/", passwords)
        for name in ACTIONS:
            yield Attack(f"{USERS}{user.pk}/operate/{name}/", {})
        for name in ("send_reset_link", "verify_address", "delete_selected"):
            yield Attack(USERS, {"action": name, "_selected_action": user.pk, "post": "yes"})
    yield Attack(USERS, {"action": "send_reset_link", "_selected_action": people.ada.pk, "select_across": "1"})
    yield Attack(USERS, {"action": "delete_selected", "_selected_action": "0", "select_across": "1", "post": "yes"})
    for path in ("add/", f"{people.group.pk}/change/", f"{people.group.pk}/delete/"):
        yield Attack(GROUPS + path, {"name": "Mine", "permissions": everything, "post": "yes"})
    yield Attack(GROUPS, {"action": "delete_selected", "_selected_action": people.group.pk, "post": "yes"})
    for route in ROUTES:
        row = people.rows[route.model] if route.model else people.ada
        for name in ("resend", "retry", "delete_selected"):
            data = {"action": name, "_selected_action": str(row.pk), "post": "yes", "user": people.eve.pk}
            yield Attack(route.url(**{**identifiers(row), "name": name}), {**rights, **data})
        yield Attack(route.url(**identifiers(row)), None)
    for user in (*people.privileged, people.ada):
        yield Attack(f"{USERS}{user.pk}/delete/", {"post": "yes"})


def rights_of(people: People) -> dict[str, Any]:
    """Return what must stay the same: who may do what, and who can log in as them."""
    users = {
        user.email: (
            user.password,
            user.is_active,
            user.is_staff,
            user.is_superuser,
            sorted(user.get_all_permissions()),
        )
        for user in User.objects.exclude(email__endswith="ada@example.com").order_by("pk")
        if user.is_privileged
    }
    groups = {group.name: sorted(group.permissions.values_list("pk", flat=True)) for group in Group.objects.all()}
    return {**users, **groups}


class Recorder:
    """Runs attacks, and records which permissions each asked for."""

    def __init__(self, client: Client, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
        self.client, self.people, self.asked = client, people, set[str]()
        has_perm = User.has_perm

        def recording_has_perm(user: User, name: str, obj: Any = None) -> bool:
            self.asked.add(name)
            return has_perm(user, name, obj)

        monkeypatch.setattr(User, "has_perm", recording_has_perm)
        # The list of links beside each page asks for every permission, and decides nothing.
        monkeypatch.setattr(admin.AdminSite, "get_app_list", lambda *args, **options: [])

    def run(self, attack: Attack, names: frozenset[str]) -> tuple[set[str], list[str]]:
        """Run the attack with these permissions, and undo it. Returns what it asked for, and what it gained."""
        with transaction.atomic():
            self.people.eve.user_permissions.set([permission(name) for name in names])
            before = rights_of(self.people)
            mail.outbox.clear()
            self.asked.clear()
            self.send(attack)
            asked = {*self.asked}
            gains = [f"{attack.path} with {sorted(names)}: {gain}" for gain in self.gains(before)]
            transaction.set_rollback(True)
        return asked, gains

    def send(self, attack: Attack) -> None:
        path, data = attack
        response = self.client.get(path) if data is None else self.client.post(path, data)
        assert response.status_code < 500, attack
        assert LINK not in response.content.decode(), attack

    def gains(self, before: dict[str, Any]) -> Iterator[str]:
        after = rights_of(self.people)
        if after != before:
            yield f"{after} instead of {before}"
        ids = {str(user.pk) for user in self.people.privileged}
        sent: list[Any] = mail.outbox
        for email in sent:
            if email.metadata.get("user_id") in ids:
                yield f"{email.kind} to {email.to}"


@pytest.fixture
def recorder(eve_client, people, monkeypatch) -> Recorder:
    return Recorder(eve_client, people, monkeypatch)


def gains_of_all_pairs(recorder: Recorder, attack: Attack) -> list[str]:
    """Run the attack with every permission and every pair of permissions that make a difference."""
    exists = {f"{app}.{name}" for app, name in Permission.objects.values_list("content_type__app_label", "codename")}
    found: list[str] = []
    waiting, done = [frozenset[str]()], set[frozenset[str]]()
    while waiting:
        names = waiting.pop()
        if names not in done:
            done.add(names)
            asked, gains = recorder.run(attack, names)
            found += gains
            waiting += [names | {name} for name in asked & exists if len(names | {name}) <= 2]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_no_pair_of_permissions_gives_another(recorder, people, part):
    every_attack = [*attacks(people)]
    found = [gain for attack in every_attack[part::PARTS] for gain in gains_of_all_pairs(recorder, attack)]
    assert found == []


def test_all_permissions_together_give_no_rights(recorder, people):
    # One attack after the other, so that each can build on what the earlier ones did.
    people.eve.user_permissions.set(Permission.objects.exclude(content_type__app_label="auth", codename="add_user"))
    before = rights_of(people)
    mail.outbox.clear()
    for attack in attacks(people):
        recorder.send(attack)
    assert [*recorder.gains(before)] == []


def test_attacks_succeed_where_they_are_allowed(recorder, people):
    # Otherwise, a form that refuses the data for another reason would hide a way to more rights.
    people.eve.is_superuser = True
    people.eve.save()
    for attack in attacks(people):
        if str(people.eve.pk) not in attack.path and "delete" not in str(attack):  # the session must last
            recorder.send(attack)
    assert User.objects.get(email="mallory@example.com")
    for user in (people.root, people.boss, people.ada):
        user.refresh_from_db()
        assert user.email == f"eve+{user.pk}@example.com"
        assert user.is_superuser
        assert user.check_password(NEW_PASSWORD)
    assert Group.objects.get(name="Mine").permissions.exists()
