"""Which new passwords are refused, on every path that sets one.

Every path validates with ``validate_password``. ``is_refused`` does so for a person, and for the product Acme at
app.example.com.
"""

import random
import string
from collections.abc import Callable, Iterator
from io import StringIO

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import Client

from accounts.models import User
from accounts.password_guesses import common_passwords
from accounts.tests.support.users import ADA, PASSWORD
from accounts.tokens import make_password_reset_token
from accounts.validators import GuessablePasswordValidator

LEET = str.maketrans("aeiost", "@310$7")
FULL_WIDTH = {ord(c): ord(c) + 0xFEE0 for c in string.ascii_letters + string.digits}
CYRILLIC = str.maketrans("aeopcx", "аеорсх")
PERSON = User(email="ada.lovelace@example.com", name="Ada Lovelace")
OTHER = "tall-otter-grinds-quartz"


def is_guessable(password: str) -> bool:
    try:
        GuessablePasswordValidator().validate(password, PERSON)
    except ValidationError:
        return True
    return False


def is_refused(password: str) -> bool:
    try:
        validate_password(password, PERSON)
    except ValidationError:
        return True
    return False


BREACHED = """
    P@ssw0rd1 Welcome123! qwerty123! iloveyou1! Aa123456! letmein123! password123 P@$$w0rd2024!! Passw0rd!Passw0rd!
    1qaz2wsx3edc 1qaz@WSX3edc !QAZ2wsx#EDC qwe123QWE!@# qwertyuiopasdf zxcvbnm,./123 abcdefgh12345678 aaaaaaaaaaaa
    121212121212 TrustNo1!!2023 football#1234567 20240131Password Password20240131! admin@123456789 Michael1985!!!
    ILoveYou4ever! Passwort2024! Sommer2025!! Hallo1234567! p.a.s.s.w.o.r.d s-u-n-s-h-i-n-e 123password123
    2024Password2024! drowssap123! monkeymonkey12 abc123abc123 qazwsxedcrfv asdfghjkl;' 000000000000 !!!!!!!!!!!!
""".split()  # noqa: SIM905  # a list literal would take a screen


@pytest.mark.parametrize("password", [*BREACHED, "p a s s w o r d 1", "pass word pass word", "iloveyou \u200biloveyou"])
def test_breached_password_is_refused(password):
    assert is_guessable(password)


OWN = """
    Acme2024! acme.example.com AcmeAcme123! 4cm3-2024!!! ada.lovelace1815! Lovelace2024! emca-emca-1 app.example.com1
    LovelaceAda!!1
""".split()  # noqa: SIM905


@pytest.mark.parametrize("password", OWN)
def test_name_of_the_person_or_product_is_refused(password):
    assert is_guessable(password)


CHANGES: dict[str, Callable[[str], str]] = {
    "none": str,
    "capital": str.capitalize,
    "capitals": str.upper,
    "alternating": lambda word: "".join(c.upper() if n % 2 else c for n, c in enumerate(word)),
    "leet": lambda word: word.translate(LEET),
    "reversed": lambda word: word[::-1],
    "doubled": lambda word: word + word,
    "doubled with a separator": lambda word: f"{word}-{word}",
    "full width": lambda word: word.translate(FULL_WIDTH),
    "Cyrillic": lambda word: word.translate(CYRILLIC),
    "accents": lambda word: word.replace("a", "ä").replace("e", "é").replace("o", "ô"),
    "spaces": " ".join,
    "zero-width spaces": "\u200b".join,
}
ADDITIONS = """
    {} {}1 {}! {}123 {}123! {}2024 {}2024! {}1985!! {}#1 123{} !{}! 2024{} {}@2025 1{}1 {}12345678 {}!@# __{}__
    {}31121999
""".split()  # noqa: SIM905


LONG_WORDS = ["princesita", "michaeljackson", "kartoffelpuffer"]


def common_words() -> list[str]:
    return sorted(word for word in common_passwords() if word.isalpha() and word.isascii() and len(word) >= 5)


@pytest.mark.parametrize("change", CHANGES)
def test_changed_common_password_is_refused(change):
    words = [*random.Random(change).sample(common_words(), 12), *LONG_WORDS]
    passwords = [addition.format(CHANGES[change](word)) for word in words for addition in ADDITIONS]
    assert [password for password in passwords if not is_guessable(password)] == []


GOOD = [
    PASSWORD,
    OTHER,
    "correct horse battery",
    "a sentence is a good password",
    "Der Regen in Spanien fällt meist im Flachland",
    "violet-kettle-orbit-47",
    "kT8#mQ2zLp9w",
    "zu4mLq-9vTpe-Rk2ws",
    "пять медведей пьют холодный чай",
    "青い月の下で猫が踊る夜明け前",
]


@pytest.mark.parametrize("password", GOOD)
def test_good_password_is_accepted(password):
    assert not is_refused(password)


ALPHABETS = {
    "printable": string.ascii_letters + string.digits + string.punctuation,
    "letters and digits": string.ascii_letters + string.digits,
    "lower case": string.ascii_lowercase,
    "lower case and digits": string.ascii_lowercase + string.digits,
}


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_random_passwords_are_accepted(alphabet):
    """benchmarks/password_check.py tries more of them."""
    choices = random.Random(alphabet).choices
    passwords = ["".join(choices(ALPHABETS[alphabet], k=12)) for _ in range(500)]
    assert [password for password in passwords if is_guessable(password)] == []


@pytest.mark.parametrize("separator", [" ", "-", "", "."])
def test_random_words_are_accepted(separator):
    """As Diceware creates them. All of them are common passwords, which is the worst case."""
    sample = random.Random(separator).sample
    passphrases = [separator.join(sample(common_words(), 4)) for _ in range(200)]
    assert [passphrase for passphrase in passphrases if is_guessable(passphrase)] == []


@pytest.mark.parametrize("password", ["\udcff" * 12, "\x00" * 20, "\ufdfa" * 4096, "", " ", "\u0301" * 50])
def test_odd_characters_cause_no_error(password):
    assert is_guessable(password) in (True, False)


# Every path

GUESSABLE = "P@ssw0rd2024!"


def paths(ada: User) -> Iterator[tuple[str, str, dict[str, str]]]:
    reset = {"token": make_password_reset_token(ada), "password": GUESSABLE}
    yield "sign-up", "/api/accounts/signup/", {**ADA, "email": "new@example.com", "password": GUESSABLE}
    yield "sign-up page", "/signup", {**ADA, "email": "new@example.com", "password": GUESSABLE}
    yield "reset", "/api/accounts/password/reset/confirm/", reset
    yield "reset page", "/reset-password", reset
    yield "change page", "/settings/password", {"password": PASSWORD, "new_password": GUESSABLE}
    twice = {"password1": GUESSABLE, "password2": GUESSABLE, "usable_password": "true"}
    own = {"old_password": PASSWORD, "new_password1": GUESSABLE, "new_password2": GUESSABLE}
    yield "admin, own password", "/admin/password_change/", own
    eve = User.objects.create_user("eve@example.com", OTHER)
    yield "admin, other user", f"/admin/accounts/user/{eve.pk}/password/", {**twice, "set-password": "1"}
    yield "admin, new user", "/admin/accounts/user/add/", {**twice, "email": "new@example.com", "language": "en"}


def test_every_path_refuses_a_guessable_password(ada):
    User.objects.update(is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(User.objects.get())
    for name, path, data in paths(ada):
        content_type = {"content_type": "application/json"} if path.startswith("/api/") else {}
        response = client.post(path, data, **content_type)  # type: ignore[arg-type]
        assert "easy to guess" in response.content.decode(), name
    assert User.objects.get(pk=ada.pk).check_password(PASSWORD)
    assert User.objects.get(email="eve@example.com").check_password(OTHER)
    assert not User.objects.filter(email="new@example.com").exists()


def test_change_through_the_api_refuses_a_guessable_password(call_api, ada_token):
    data = {"password": PASSWORD, "new_password": GUESSABLE}
    response = call_api("POST", "password/change/", data, token=ada_token)
    assert (response.status_code, list(response.json())) == (400, ["new_password"])


def test_message_is_translated(post):
    response = post("signup/", {**ADA, "password": GUESSABLE}, headers={"Accept-Language": "de"})
    assert response.json()["password"][0].startswith("Dieses Passwort ist leicht zu erraten")


def test_createsuperuser_refuses_a_guessable_password(db, monkeypatch):
    answers = iter([GUESSABLE, GUESSABLE, OTHER, OTHER])
    monkeypatch.setattr("getpass.getpass", lambda *_: next(answers))
    monkeypatch.setattr("builtins.input", lambda *_: "n")  # "Bypass password validation?"
    errors = StringIO()
    call_command("createsuperuser", email="root@example.com", interactive=True, stdin=Terminal(), stderr=errors)
    assert "easy to guess" in errors.getvalue()
    assert User.objects.get().check_password(OTHER)


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_existing_password_remains_valid(post, ada):
    ada.set_password("short1")
    ada.save()
    assert post("login/", {"email": ada.email, "password": "short1"}).status_code == 200


@pytest.mark.parametrize(("length", "is_accepted"), [(11, False), (12, True)])
def test_new_password_has_at_least_twelve_characters(length, is_accepted):
    assert is_refused("kT8#mQ2zLp9w"[:length]) is not is_accepted
