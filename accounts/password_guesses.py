"""How hard a password is to guess for an attacker who knows common passwords and how people change them.

The common passwords are the 20,000 most frequent ones in the breaches that Have I Been Pwned collects. The list comes
with Django. The estimate is the cheapest way to compose a password of common ones, dates, keyboard walks, repetitions,
and single characters. zxcvbn works the same way, but takes 1 to 50 ms (docs/dependencies.md).
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain, islice, pairwise
from math import inf
from string import ascii_lowercase, digits
from typing import NamedTuple

from django.contrib.auth.password_validation import CommonPasswordValidator

# Bits that each part adds. They are not exact, but they separate one decorated password from three unrelated words.
COMMON, OWN, CHANGED = 12.0, 5.0, 1.0  # a common password, a word that belongs to this person, and a changed spelling
WALK, WALK_CHARACTER = 8.0, 0.5
REPEATED, REPEATED_CHARACTER = 5.0, 0.3
AGAIN, SHORTEST_REPETITION = 2.0, 4  # a part that occurred before
YEAR, DATE, NUMBER, DIGIT = 7.0, 10.0, 3.0, 2.0
SYMBOLS, SYMBOL = 2.0, 3.5
LETTER, CAPITAL = 4.7, 1.0
SEPARATORS, SEPARATOR = 2.0, 2.5  # of single letters or words, such as the hyphens in p-a-s-s-w-o-r-d
MOST_SEPARATORS = 2

# Limits the work. A long common password has to fit twice, with separators and a date: half a date would seem harder to
# guess than the whole one.
MAXIMUM_LENGTH = 40
SHORTEST_PART = 3
# Common in German, but not among the most frequent worldwide, and words that change with the calendar.
MORE_WORDS = """
    passwort kennwort geheim geheimnis hallo willkommen schatz liebe sommer winter herbst fruehling fruhling montag
    dienstag mittwoch donnerstag freitag samstag sonntag januar februar maerz marz april mai juni juli august september
    oktober november dezember berlin hamburg muenchen munchen koeln koln fussball bayern deutschland test admin login
    welcome changeme letmein secret summer winter spring autumn monday tuesday wednesday thursday friday saturday sunday
    january february march june july october december password pass word user root guest demo temp default company
""".split()  # noqa: SIM905  # a list literal would take a screen
LOOK_ALIKES = str.maketrans(
    "авекмнорстухіјѕԁɡһԛԝьαβεικνορτυχγηωıłøđæœßþ",
    "abekmhopctyxijsdghqwbabeiknoptuxynwilodaosp",
)
SPELLINGS = [
    str.maketrans("@4310!$5+7892(€£|", "aaeiois" + "stt" + "bgzcell"),
    str.maketrans("@4310!$5+7892(€£|", "aaelols" + "stt" + "bgzcell"),
]
DATES = {
    re.compile(r"(?:19|20)\d\d"): YEAR,
    re.compile(r"(?:[12]\d|3[01]|0?[1-9])(?:0[1-9]|1[0-2])(?:19|20)?\d\d"): DATE,
    re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])[0-3]\d"): DATE,
}
KEYBOARDS = [
    ("1234567890-=", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./"),
    ("1234567890", "qwertzuiopü", "asdfghjklöä", "yxcvbnm,.-"),
    ("1234567890", "azertyuiop", "qsdfghjklm", "wxcvbn,;:!"),
    ("!@#$%^&*()_+",),
    ('!"§$%&/()=?',),
    (ascii_lowercase,),
    (f"{digits}0",),
]


class WordList:
    """Words, and the length of the longest one for each beginning. Most text continues none, which saves the search."""

    def __init__(self, words: Collection[str]) -> None:
        self.words = frozenset(words)
        self.longest: dict[str, int] = {}
        for word in words:
            beginning = word[:SHORTEST_PART]
            self.longest[beginning] = max(len(word), self.longest.get(beginning, 0))


def is_guessable(password: str, minimum_bits: float, own_words: Collection[str] = ()) -> bool:
    """Return whether the password takes fewer guesses than two to the power of ``minimum_bits``, roughly.

    ``own_words`` are those that an attacker would try first, such as the name of the person or of the product.
    """
    parts = {word for text in own_words for word in _parts(text)}
    own = WordList(parts | {word[::-1] for word in parts})
    visible = _visible(password)
    without_symbols = "".join(filter(str.isalnum, visible))
    separators = set(visible.lower()) - set(without_symbols.lower())
    if _cheapest(visible, own) < minimum_bits:
        return True
    if not 0 < len(separators) <= MOST_SEPARATORS:
        return False
    return _cheapest(without_symbols, own) + SEPARATORS + SEPARATOR * len(separators) < minimum_bits


def _visible(text: str) -> str:
    """Return the text without spaces, invisible characters, and accents, and with look-alikes as Latin letters."""
    decomposed = unicodedata.normalize("NFKD", text[: 2 * MAXIMUM_LENGTH])
    visible = (c for c in decomposed if unicodedata.category(c) not in {"Mn", "Cf", "Cc", "Zs"})
    return "".join(
        replaced.upper() if character.isupper() else replaced
        for character in islice(visible, MAXIMUM_LENGTH)
        if (replaced := character.lower()[:1].translate(LOOK_ALIKES))
    )


def _parts(text: str) -> Iterator[str]:
    """Yield a name, address, or domain as a whole, and its words."""
    plain = _visible(text).lower()
    words = {plain, re.sub(r"[\W_]", "", plain), *re.split(r"[\W_\d]+", plain), *re.split(r"[\W_]+", plain)}
    yield from (word for word in words if len(word) >= SHORTEST_PART)


def _cheapest(text: str, own: WordList) -> float:
    """Return the bits of the cheapest composition of the text."""
    plain = text.lower()
    spellings = {**{plain.translate(spelling): CHANGED for spelling in SPELLINGS}, plain: 0.0}
    best = [0.0, *[inf] * len(plain)]
    runs: dict[Run, float] = {}  # the cheapest compositions that end with a run of each kind
    repeated = known = 0  # up to here, the text from this position on occurred before
    before = inf  # the bits of what precedes the last repetition
    for start, character in enumerate(text):
        while repeated < len(plain) and (repeated < start or plain.find(plain[start : repeated + 1], 0, start) >= 0):
            repeated += 1
        repetitions: list[tuple[int, float]] = []
        if best[start] < before or repeated > known:  # otherwise, an earlier start was as cheap
            before, known = best[start], repeated
            repetitions = [(end, AGAIN) for end in range(start + SHORTEST_REPETITION, repeated + 1)]
        single = (start + 1, _single(character))
        for end, bits in chain(_words(spellings, start, own), _dates(plain, start), repetitions, [single]):
            best[end] = min(best[end], best[start] + bits)
        pair = plain[start : start + 2]
        runs = {run: min(runs.get(run, inf), best[start] + run.base + run.each) + run.each for run in _runs(pair)}
        if runs:
            best[start + 2] = min(best[start + 2], *runs.values())
    return best[-1]


def _single(character: str) -> float:
    if character.isdigit():
        return NUMBER + DIGIT
    if not character.isalpha():
        return SYMBOLS + SYMBOL
    return LETTER + CAPITAL if character.isupper() else LETTER


def _words(spellings: Mapping[str, float], start: int, own: WordList) -> Iterator[tuple[int, float]]:
    """Yield where words that begin at this position end, and their bits."""
    for text, bits in spellings.items():
        beginning = text[start : start + SHORTEST_PART]
        for words, base in ((own, OWN), (_common_words(), COMMON)):
            longest = words.longest.get(beginning, 0)
            for end in range(start + SHORTEST_PART, min(len(text), start + longest) + 1):
                if text[start:end] in words.words:
                    yield end, base + bits


def _dates(plain: str, start: int) -> Iterator[tuple[int, float]]:
    """Yield where dates that begin at this position end, and their bits."""
    if plain[start].isdigit():
        for pattern, bits in DATES.items():
            if found := pattern.match(plain, start):
                yield found.end(), bits


class Run(NamedTuple):
    """A kind of characters that follow each other, and the bits of a part of it: for the part, and each character."""

    name: str
    base: float
    each: float


NUMBERS, SYMBOL_RUN = Run("numbers", NUMBER, DIGIT), Run("symbols", SYMBOLS, SYMBOL)
ONE_CHARACTER = Run("one character", REPEATED, REPEATED_CHARACTER)


def _neighbors(rows: Sequence[str]) -> frozenset[str]:
    """Return the pairs of characters that are next to each other on a keyboard, forward and backward."""
    pairs = {f"{a}{b}" for row in rows for a, b in pairwise(row)}
    for upper, lower in pairwise(rows):  # a key touches two of the row above
        pairs |= {f"{a}{b}" for keys in (upper, upper[1:]) for a, b in zip(keys, lower, strict=False)}
    return frozenset(pairs | {pair[::-1] for pair in pairs})


WALKS: dict[str, list[Run]] = {}
for number, keyboard in enumerate(KEYBOARDS):
    for neighbors in _neighbors(keyboard):
        WALKS.setdefault(neighbors, []).append(Run(f"walk {number}", WALK, WALK_CHARACTER))


def _runs(pair: str) -> list[Run]:
    """Return the kinds of runs that the two characters begin or continue."""
    if len(pair) < 2:
        return []
    runs = [*WALKS.get(pair, ())]
    if pair.isdigit():
        runs.append(NUMBERS)
    elif not (pair[0].isalnum() or pair[1].isalnum()):
        runs.append(SYMBOL_RUN)
    if pair[0] == pair[1]:
        runs.append(ONE_CHARACTER)
    return runs


@cache
def common_passwords() -> frozenset[str]:
    """Return the common passwords and common words, forward and backward, in lower case."""
    words = {word for word in CommonPasswordValidator().passwords.union(MORE_WORDS) if len(word) >= SHORTEST_PART}
    return frozenset(words | {word[::-1] for word in words})


@cache
def _common_words() -> WordList:
    return WordList(common_passwords())
