"""Time of checking a new password, and how many good passwords are refused.

    python benchmarks/password_check.py

The time includes all validators in settings/base.py, for a person with a name and an address. The slowest passwords are
as long as an attacker likes and consist of what the estimate has to try most. Times are the fastest of many, because
other load on the machine only adds to them. Targets: 1 ms for each check, and at most one refusal in a thousand random
passwords of 12 characters, or of four random words.
"""

import os
import random
import string
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ["DJANGO_SETTINGS_MODULE"] = "settings.test"
os.environ.setdefault("DATABASE_URL", "sqlite:////in/memory")

import django

django.setup()

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts.models import User
from accounts.password_guesses import common_passwords
from benchmarks.figures import report

TIME_TARGET, REFUSAL_TARGET = 1.0, 0.001
PASSWORDS, REPEATS = 10_000, 30
PERSON = User(email="ada.lovelace@example.com", name="Ada Lovelace")
PRINTABLE = string.ascii_letters + string.digits + string.punctuation
ALPHABETS = {
    "12 printable characters": PRINTABLE,
    "12 letters and digits": string.ascii_letters + string.digits,
    "12 lower-case letters": string.ascii_lowercase,
}
LONG = {
    "one character": "a" * 4096,
    "digits": "1" * 4096,
    "symbols": "!" * 4096,
    "words": "password" * 512,
    "changed words": "p@ssw0rd1!" * 410,
    "words with separators": "passw0rd-" * 456,
    "different words with separators": "monkey-dragon.passw0rd-shadow." * 137,
    "keyboard walk": "qwerty" * 683,
    "ligatures that expand": "\ufdfa" * 4096,
    "combining characters": "a\u0301" * 2048,
}
randomness = random.Random(12)


def is_refused(password: str) -> bool:
    try:
        validate_password(password, PERSON)
    except ValidationError:
        return True
    return False


def milliseconds(password: str) -> float:
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        is_refused(password)
        times.append(time.perf_counter() - started)
    return min(times) * 1000


def words(count: int) -> str:
    common = [word for word in common_passwords() if word.isalpha()]
    return " ".join(randomness.sample(common, count))


def main() -> int:
    started = time.perf_counter()
    is_refused("the first check reads the list")
    print(f"first check of a process: {(time.perf_counter() - started) * 1000:.0f} ms")

    random_passwords = ["".join(randomness.choices(PRINTABLE, k=12)) for _ in range(50)]
    usual = max(map(milliseconds, [*random_passwords, "P@ssw0rd2024!", "correct horse battery staple", words(5)]))
    is_reached = report("slowest usual password", usual, TIME_TARGET, " ms")
    LONG["random characters"] = "".join(randomness.choices(PRINTABLE, k=4096))
    for name, password in LONG.items():
        is_reached &= report(f"4,096 characters, {name}", milliseconds(password), TIME_TARGET, " ms")

    for name, alphabet in ALPHABETS.items():
        refused = sum(is_refused("".join(randomness.choices(alphabet, k=12))) for _ in range(PASSWORDS))
        is_reached &= report(f"refused of {PASSWORDS:,}, {name}", refused / PASSWORDS, REFUSAL_TARGET)
    refused = sum(is_refused(words(4)) for _ in range(PASSWORDS // 10))
    is_reached &= report(f"refused of {PASSWORDS // 10:,}, four words", refused / (PASSWORDS // 10), REFUSAL_TARGET)
    return 0 if is_reached else 1


if __name__ == "__main__":
    sys.exit(main())
