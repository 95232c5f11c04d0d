"""Password hashing: its parameters, the limit on hashes at the same time, and the renewal of outdated hashes.

``full_gate`` takes every place in the gate and lets nobody wait. ``post`` posts JSON to a path below /api/accounts/.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, identify_hasher, make_password
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from accounts import hashers, login, services, tokens
from accounts.hashers import Gate, available_cores, gate
from accounts.models import NewestLink, User
from accounts.tests.support.users import ADA, CREDENTIALS, NEW_PASSWORD, PASSWORD, QuickArgon2, is_logged_in
from common.errors import ServerBusy

BUSY = {"detail": "Too many people are using this right now. Try again in a few seconds.", "code": "server_busy"}


class OldArgon2(Argon2PasswordHasher):
    """As before an upgrade, but quick."""

    memory_cost = 8 * 1024
    time_cost = 1
    parallelism = 2


class RecordingHasher(QuickArgon2):
    """Records the memory of every hash, and whether it was computed inside a transaction."""

    memory: list[int] = []
    in_transaction: list[bool] = []

    def encode(self, password: str, salt: str) -> str:
        self.record(self.memory_cost)
        return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        self.record(self.decode(encoded)["memory_cost"])
        return super().verify(password, encoded)

    def record(self, memory: int) -> None:
        self.memory.append(memory)
        self.in_transaction.append(connection.in_atomic_block)


@pytest.fixture
def recorded(settings) -> type[RecordingHasher]:
    settings.PASSWORD_HASHERS = [f"{__name__}.RecordingHasher"]
    RecordingHasher.memory.clear()
    RecordingHasher.in_transaction.clear()
    return RecordingHasher


@pytest.fixture
def real_hashers(settings) -> Iterator[None]:
    settings.PASSWORD_HASHERS = ["accounts.hashers.Argon2PasswordHasher", "accounts.hashers.PBKDF2PasswordHasher"]
    gate.cache_clear()
    yield
    gate.cache_clear()


@contextmanager
def held(gate: Gate, threads: int = 1) -> Iterator[threading.Event]:
    """Keep threads of the gate busy; setting the event frees them early."""
    done = threading.Event()
    begun = threading.Barrier(threads + 1)

    def hold() -> bool:
        begun.wait(10)
        return done.wait(10)

    holders = [in_thread(lambda: gate.run(hold))[0] for _ in range(threads)]
    begun.wait(10)
    yield done
    done.set()
    for holder in holders:
        holder.join()


@contextmanager
def request_handling() -> Iterator[None]:
    marker = hashers.in_request.set(True)
    yield
    hashers.in_request.reset(marker)


@pytest.fixture
def full_gate(settings, real_hashers, ada) -> Iterator[None]:
    settings.PASSWORD_HASHES_AT_ONCE, settings.PASSWORD_HASHES_WAITING = 2, 0
    gate.cache_clear()  # a gate with other settings hashed the user's password
    with held(gate(), threads=2):
        yield


def in_thread(function: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    return thread, results


def note(notes: list[int], number: int) -> bool:
    notes.append(number)
    return True


def wait_for(gate: Gate, inside: int) -> None:
    while gate.inside < inside:
        pass


# Parameters


def test_hashes_have_the_recommended_parameters(real_hashers):
    hasher = identify_hasher(encoded := make_password(PASSWORD))
    stored = hasher.decode(encoded)
    assert [stored[name] for name in ("algorithm", "variety", "memory_cost", "time_cost", "parallelism")] == [
        "argon2",
        "argon2id",
        19 * 1024,
        2,
        1,
    ]


# The gate


def test_no_more_hashes_run_than_there_are_threads():
    gate, lock, inside, peak = Gate(threads=3, line=50), threading.Lock(), [], []

    def work() -> bool:
        with lock:
            inside.append(1)
            peak.append(len(inside))
        make_password(PASSWORD, hasher="md5")
        with lock:
            inside.pop()
        return True

    threads = [in_thread(lambda: [gate.run(work) for _ in range(20)])[0] for _ in range(12)]
    for thread in threads:
        thread.join()
    assert len(peak) == 12 * 20
    assert max(peak) <= 3


def test_hashes_run_in_the_order_of_their_arrival():
    gate = Gate(threads=1, line=50)
    order: list[int] = []
    with held(gate):
        threads = []
        for number in range(8):
            threads.append(in_thread(partial(gate.run, partial(note, order, number)))[0])
            wait_for(gate, number + 2)
    for thread in threads:
        thread.join()
    assert order == list(range(8))


def test_error_frees_the_gate():
    gate = Gate(threads=1, line=0)
    with pytest.raises(ZeroDivisionError):
        gate.run(lambda: 1 // 0 > 0)
    with request_handling():
        assert gate.run(lambda: True)


def test_hash_inside_a_hash_needs_no_second_thread(real_hashers, settings):
    """Django's PBKDF2 hasher encodes to verify."""
    settings.PASSWORD_HASHES_AT_ONCE = 1
    hasher = hashers.PBKDF2PasswordHasher()
    hasher.iterations = 1
    assert hasher.verify(PASSWORD, hasher.encode(PASSWORD, "salt" * 6))


def test_request_is_refused_if_too_many_wait():
    gate = Gate(threads=1, line=1)
    with held(gate):
        thread, _ = in_thread(lambda: gate.run(lambda: True))
        wait_for(gate, 2)
        with request_handling(), pytest.raises(ServerBusy):
            gate.run(lambda: True)
    thread.join()
    assert gate.inside == 0


def test_request_gives_up_after_the_longest_wait(monkeypatch):
    gate = Gate(threads=1, line=5)
    begun: list[int] = []
    with held(gate), request_handling(), monkeypatch.context() as patch:
        patch.setattr(hashers, "LONGEST_WAIT", timedelta(milliseconds=10))
        with pytest.raises(ServerBusy):
            gate.run(partial(note, begun, 1))
    assert gate.run(lambda: True)
    assert (begun, gate.inside) == ([], 0)


def test_command_waits_as_long_as_it_takes(monkeypatch):
    monkeypatch.setattr(hashers, "LONGEST_WAIT", timedelta(0))
    gate = Gate(threads=1, line=0)
    with held(gate) as done:
        thread, results = in_thread(lambda: gate.run(lambda: True))
        wait_for(gate, 2)
        done.set()
    thread.join()
    assert results == [True]


@pytest.mark.django_db(transaction=True)
def test_request_does_not_wait_while_it_locks_the_database():
    if connection.vendor != "sqlite":
        pytest.skip("needs SQLite, whose transactions lock the whole database")
    gate = Gate(threads=1, line=5)
    with held(gate), request_handling(), transaction.atomic(), pytest.raises(ServerBusy):
        gate.run(lambda: True)


def test_forked_process_starts_with_an_empty_gate(settings, real_hashers):
    settings.PASSWORD_HASHES_AT_ONCE, settings.PASSWORD_HASHES_WAITING = 1, 0
    with held(gate()):
        if (child := os.fork()) == 0:
            with request_handling():
                os._exit(0 if gate().run(lambda: True) else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("max 100000", 4), ("200000 100000", 2), ("150000 100000", 2), ("10000 100000", 1), ("800000 100000", 4)],
)
def test_quota_of_a_container_limits_the_cores(tmp_path, monkeypatch, quota, cores):
    monkeypatch.setattr(hashers, "CPU_QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    hashers.CPU_QUOTA.write_text(f"{quota}\n")
    assert available_cores() == cores


def test_cores_are_those_that_the_process_may_use(tmp_path, monkeypatch):
    monkeypatch.setattr(hashers, "CPU_QUOTA", tmp_path / "missing")
    assert available_cores() == len(os.sched_getaffinity(0))


# Responses while the gate is full

PUBLIC = {
    "signup/": {**ADA, "email": "new@example.com"},
    "login/": CREDENTIALS,
    "login/ ": {"email": "unknown@example.com", "password": PASSWORD},
}


@pytest.mark.parametrize("path", PUBLIC)
def test_api_responds_with_503(full_gate, post, path):
    response = post(path.strip(), PUBLIC[path])
    assert (response.status_code, response.json(), response["Retry-After"]) == (503, BUSY, "5")


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/signup", {**ADA, "email": "new@example.com"}),
        ("/login", CREDENTIALS),
        ("/admin/login/", {"username": "ada@example.com", "password": PASSWORD}),
    ],
)
def test_page_responds_with_503(full_gate, client, path, data):
    response = client.post(path, data, headers={"Accept-Language": "de"})
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "Versuchen Sie es in ein paar Sekunden noch einmal" in response.content.decode()


def test_other_pages_respond_while_the_gate_is_full(full_gate, client):
    assert client.get("/login").status_code == 200


def test_refused_sign_up_can_be_sent_again(full_gate, post):
    assert post("signup/", PUBLIC["signup/"]).status_code == 503
    assert not User.objects.filter(email="new@example.com").exists()
    gate.cache_clear()
    assert post("signup/", PUBLIC["signup/"]).status_code == 201


# Transactions


def add_user(**changes: Any) -> User:
    return User.objects.create(password=make_password(PASSWORD), email_verified_at=timezone.now(), **changes)


def requests_that_hash(user: User, new: User) -> Iterator[Callable[[Client], Any]]:
    """Yield requests to every route that checks or sets a password. Each yields a right password."""
    api = "/api/accounts/"
    json: Any = {"content_type": "application/json"}
    token: Any = {"headers": {"Authorization": f"Token {services.issue_token(user=user).token}"}}
    yield lambda client: client.post(f"{api}signup/", {**ADA, "email": "a@example.com"}, **json)
    yield lambda client: client.post(f"{api}login/", {"email": user.email, "password": PASSWORD}, **json)
    confirm = {"token": tokens.make_email_verification_token(new), "password": PASSWORD}
    yield lambda client: client.post(f"{api}email/verify/", confirm, **json)
    yield lambda client: client.post(
        f"{api}email/change/", {"email": "b@example.com", "password": PASSWORD}, **json, **token
    )
    change = {"password": PASSWORD, "new_password": NEW_PASSWORD}
    yield lambda client: client.post(f"{api}password/change/", change, **json, **token)
    user.refresh_from_db()
    reset = {"token": tokens.make_password_reset_token(user), "password": PASSWORD}
    yield lambda client: client.post(f"{api}password/reset/confirm/", reset, **json)
    user.refresh_from_db()
    NewestLink.objects.all().delete()  # the request above sent a link
    moved = {"token": tokens.make_email_change_token(user, "c@example.com"), "password": PASSWORD}
    yield lambda client: client.post(f"{api}email/change/confirm/", moved, **json)
    User.objects.filter(pk=new.pk).update(email_verified_at=None)
    yield lambda client: client.post("/verify-email", confirm)
    User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)
    yield lambda client: client.post("/admin/login/?next=/admin/", {"username": "c@example.com", "password": PASSWORD})
    passwords = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD, "usable_password": "true", "set-password": "1"}
    yield lambda client: client.post(f"/admin/accounts/user/{new.pk}/password/", passwords)
    yield lambda client: client.post("/signup", {**ADA, "email": "d@example.com"})
    yield lambda client: client.post("/settings/data", {"password": PASSWORD})


@pytest.mark.django_db(transaction=True)
def test_no_password_is_hashed_inside_a_transaction(recorded, settings):
    """On SQLite a transaction locks the database, and everyone would wait for a hash that waits for its turn."""
    user, new = add_user(email="ada@example.com"), add_user(email="new@example.com")
    User.objects.filter(pk=new.pk).update(email_verified_at=None)
    client = Client()
    for request in requests_that_hash(user, new):
        recorded.in_transaction.clear()
        response = request(client)
        assert response.status_code in (200, 201, 202, 204, 302), response.content
        assert recorded.in_transaction, response.request["PATH_INFO"]
        assert not any(recorded.in_transaction), response.request["PATH_INFO"]


# Outdated hashes


@pytest.fixture
def old_user(db, recorded) -> User:
    """A user whose password was hashed with other parameters."""
    encoded = OldArgon2().encode(PASSWORD, "s" * 22)
    return User.objects.create(email="ada@example.com", password=encoded, email_verified_at=timezone.now())


def test_login_renews_an_outdated_hash(old_user, post, recorded):
    assert post("login/", CREDENTIALS).status_code == 200
    renewed = User.objects.get().password
    assert identify_hasher(renewed).decode(renewed)["memory_cost"] == recorded.memory_cost
    recorded.memory.clear()
    assert post("login/", CREDENTIALS).status_code == 200
    assert recorded.memory == [recorded.memory_cost]
    assert User.objects.get().password == renewed


@pytest.mark.parametrize("path", ["/login", "/admin/login/"])
def test_page_login_renews_an_outdated_hash(old_user, client, recorded, path):
    User.objects.update(is_staff=True)
    assert client.post(path, {**CREDENTIALS, "username": old_user.email}).status_code == 302
    assert not hashers.is_outdated(User.objects.get().password)
    assert is_logged_in(client)


def test_imported_password_is_renewed(old_user, post, settings):
    settings.PASSWORD_HASHERS = [f"{__name__}.RecordingHasher", "django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    User.objects.update(password=make_password(PASSWORD, hasher="pbkdf2_sha256"))
    assert post("login/", CREDENTIALS).status_code == 200
    assert User.objects.get().password.startswith("argon2$")


def test_wrong_password_renews_nothing(old_user, post):
    post("login/", {**CREDENTIALS, "password": "wrong"})
    assert User.objects.get().password == old_user.password


def test_renewal_keeps_other_devices_logged_in(old_user, post, settings):
    browsers = [Client(), Client()]
    settings.PASSWORD_HASHERS = [f"{__name__}.OldArgon2"]
    for browser in browsers:
        assert browser.post("/login", CREDENTIALS).status_code == 302
    settings.PASSWORD_HASHERS = [f"{__name__}.RecordingHasher"]
    post("login/", CREDENTIALS)
    assert User.objects.get().password != old_user.password
    assert [is_logged_in(browser) for browser in browsers] == [True, True]


def test_renewal_does_not_undo_a_change_of_the_password(old_user):
    """A reset between the check and the renewal must win: its reason may be that somebody else knows the password."""
    in_other_request = User.objects.get()
    in_other_request.set_password(NEW_PASSWORD)
    User.objects.update(password=in_other_request.password)
    assert old_user.check_password(PASSWORD)  # it was right when this login read it
    assert User.objects.get().password == in_other_request.password
    assert old_user.get_session_auth_hash() != in_other_request.get_session_auth_hash()


def test_two_renewals_agree(old_user):
    logins = [User.objects.get(), User.objects.get()]
    assert all(user.check_password(PASSWORD) for user in logins)
    assert {user.get_session_auth_hash() for user in logins} == {User.objects.get().get_session_auth_hash()}


def test_change_of_the_address_hashes_once(old_user, recorded):
    services.request_email_change(user=old_user, email="b@example.com", password=PASSWORD)
    assert recorded.memory == [OldArgon2.memory_cost]


def costs(post: Callable[..., Any], email: str) -> list[int]:
    RecordingHasher.memory.clear()
    post("login/", {"email": email, "password": "wrong"})
    return sorted(RecordingHasher.memory)


def test_unknown_addresses_are_as_slow_as_outdated_accounts(old_user, post):
    """Otherwise, a slow response would prove that somebody has an account and has not logged in lately."""
    assert len(costs(post, old_user.email)) == 2
    assert costs(post, "unknown@example.com") == costs(post, old_user.email)


def test_deleted_accounts_make_no_unknown_address_fast(old_user, post):
    User.objects.filter(pk=old_user.pk).update(id=old_user.pk + 1000)
    assert all(len(costs(post, f"unknown-{n}@example.com")) == 2 for n in range(10))


def test_as_many_unknown_addresses_are_slow_as_accounts(old_user, post):
    current = make_password(PASSWORD)
    # PostgreSQL goes on counting after a test, and a gap before the first account would make that one more likely.
    User.objects.filter(pk=old_user.pk).update(id=1)
    User.objects.bulk_create(
        User(id=2 + n, email=f"{n}@example.com", password=old_user.password if n % 3 else current) for n in range(60)
    )
    slow = [len(costs(post, f"unknown-{n}@example.com")) == 2 for n in range(60)]
    again = [len(costs(post, f"unknown-{n}@example.com")) == 2 for n in range(60)]
    assert slow == again
    assert 20 < sum(slow) < 55  # 40 expected


def test_unknown_addresses_become_fast_with_the_accounts(old_user, post):
    post("login/", CREDENTIALS)
    assert len(costs(post, "unknown@example.com")) == 1


def test_addresses_keep_their_account_while_others_sign_up():
    """An unknown address must not become slow again, because a known one would not either."""
    for number in range(50):
        chosen = [login._choose(f"{number}@example.com", count) for count in range(1, 300)]
        moves = [(before, after) for before, after in pairwise(chosen) if before != after]
        assert all(after == count for count, after in enumerate(chosen) if count and after != chosen[count - 1])
        assert moves == sorted(moves)
