"""Recognizes the values that guides show in place of a real one, such as re_your_api_key_here and you@yourdomain.com.

A value counts only if it reads like a placeholder as a whole, or contains words that no generated key contains: a real
key may well contain "xxx" or "here".
"""

import re
from collections.abc import Iterator

from settings.environment import Env

SEARCHED_CHARACTERS = 5000  # no list of keys is longer, and the patterns would take minutes for a megabyte
# Required in production, or secret, or both.
VARIABLES = (
    "SECRET_KEY",
    "ALLOWED_HOSTS",
    "APP_URL",
    "DATABASE_URL",
    "REDIS_URL",
    "CELERY_BROKER_URL",
    "METRICS_TOKEN",
    "TRUSTED_PROXY_COUNT",
    "DEFAULT_FROM_EMAIL",
    "SECURITY_CONTACT",
    "EMAIL_URL",
    "SEQUENZY_API_KEY",
    "SEQUENZY_CONTACTS_API_KEY",
    "SEQUENZY_WEBHOOK_SECRETS",
    "RESEND_API_KEY",
    "RESEND_CONTACTS_API_KEY",
    "RESEND_WEBHOOK_SECRETS",
    "SENDGRID_API_KEY",
    "SENDGRID_CONTACTS_API_KEY",
    "SENDGRID_WEBHOOK_PUBLIC_KEYS",
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRETS",
    "STRIPE_WEBHOOK_SECRET",
)

THING = (
    "(?:api|key|secret|token|password|domain|company|app|site|website|host|hostname|server|email|name|user|username"
    "|org|organi[sz]ation|brand|business|project|product|database|value|webhook|signing|url)"
)
# Words that show a placeholder wherever they are. The lookarounds keep "exchangeit.com" and "yourstory.com" apart.
WORDS = re.compile(
    rf"""
      (?<![a-z0-9])(?:please[-_ ]?)?(?:change|replace)[-_ ]?(?:me|this|it|with)(?![a-z])
    | (?<![a-z0-9])(?:insert|enter|paste|put|use|add)[-_ ]your(?![a-z])
    | (?<![a-z0-9-])your[-_ ]?(?:[a-z]+[-_ ])*{THING}+(?![a-z])
    | (?<![a-z0-9-])your\.(?:domain|company|site|host)(?![a-z])
    | (?<![a-z0-9-])my(?:[-_ ](?:[a-z]+[-_ ])*(?:key|token|secret|password|domain)|domain|apikey|secretkey)(?![a-z])
    | (?<![a-z0-9])(?:key|token|secret|password|value|domain|url)[-_ ]?here(?![a-z])
    | (?<![a-z0-9])(?:you|me|name|user)@example\.(?:com|org|net)(?![a-z])
    | ://user(?:name)?:pass(?:word)?@(?:host|hostname|server|localhost)(?![a-z.])
    | placeholder
    | ://\.{{3}}
    | (?<![a-z0-9])x{{6,}}
    | […•]
    """,
    re.IGNORECASE | re.VERBOSE,
)
# A placeholder as a whole, perhaps after a prefix such as "sk_test_" or "SG.".
WHOLE = re.compile(
    r"""
    (?:[a-z]{2,8}[._])?(?:(?:test|live)[._])?
    (?:
        [x*]{3,}(?:[._-][x*]+)*
      | .*\.{3}
      | (?:api|secret|signing|webhook)?[-_]?(?:key|secret|token|password)
      | todo|tbd|fixme|none|null|undefined|n/a|dummy|fake|foo|bar|foobar|string|value
      | 0?12345\d* | abc(?:def(?:gh\w*)?)?(?:123\d*)?
    )
    | <[^@]*> | \$?\{.*\}
    """,
    re.IGNORECASE | re.VERBOSE,
)


def is_placeholder(value: str) -> bool:
    """Return whether the value, or an item of a list separated by commas, is a placeholder."""
    value = value[:SEARCHED_CHARACTERS]
    return bool(WORDS.search(value)) or any(WHOLE.fullmatch(item.strip()) for item in value.split(","))


def placeholders(env: Env) -> Iterator[str]:
    """Yield the names of the variables that contain a placeholder. Never the value, which may be half a secret."""
    for name in VARIABLES:
        if name in env and is_placeholder(env.str(name)):
            yield name
