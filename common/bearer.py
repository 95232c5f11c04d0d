"""Authorization by a token that the operator chose, for machines that read metrics and states."""

import hmac

from django.http import HttpRequest


def has_bearer_token(request: HttpRequest, token: str) -> bool:
    """Return whether the request has the header ``Authorization: Bearer <token>``. Always false for an empty token.

    Takes the same time for every wrong token.
    """
    scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
    # compare_digest raises TypeError for text beyond ASCII, and a header may hold any character.
    is_equal = hmac.compare_digest(sent.strip().encode(errors="replace"), token.encode())
    return bool(token) and scheme.lower() == "bearer" and is_equal
