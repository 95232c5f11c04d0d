"""What demo rows are recognized by: reserved domains, and IDs with a certain start."""

from uuid import UUID

from django.db.models import Q

# .example is reserved (RFC 2606), so no email to these addresses could ever arrive.
DOMAINS = (
    "harbor-books.example",
    "northfield.example",
    "bluebird-studio.example",
    "kessler-und-sohn.example",
    "orchard.example",
    "lindenhof.example",
)
PASSWORD = "!demo"  # noqa: S105  # no password matches it, so nobody can log in
STRIPE_ID = r"^[a-z]+_demo[0-9]{6}$"
EVENTS, ATTEMPTS, EMAILS = 1, 2, 3
# UUIDs of demo rows lie between these two.
FIRST_ID = UUID("de300000-0000-4000-8000-000000000000")
LAST_ID = UUID("de300000-ffff-4fff-bfff-ffffffffffff")


def row_id(table: int, number: int) -> UUID:
    """Return the ID of a table's row with this number. The version and variant are those of a random UUID."""
    return UUID(int=FIRST_ID.int + (table << 80) + number)


def stripe_id(prefix: str, number: int) -> str:
    return f"{prefix}_demo{number:06d}"


def of_demo_people(address_field: str) -> Q:
    """Return the condition that a column contains an address of a demo person."""
    condition = Q()
    for domain in DOMAINS:
        condition |= Q(**{f"{address_field}__endswith": f"@{domain}"})
    return condition
