"""Reading a request's body: JSON, bounded, and strict enough that nothing behind it meets a surprise."""

import json
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import BaseParser

from common import strict_json

MAXIMUM_BYTES = 64 * 1024
# A server that answers without having read the body cuts the line, and the client sees a reset instead of the answer.
MAXIMUM_DISCARDED_BYTES = 32 * 1024 * 1024
CHUNK_BYTES = 256 * 1024


class BoundedJSONParser(BaseParser):
    """Takes every body for JSON, whatever its content type says, so that `curl -d` needs no header.

    Answers 400 to a body that is too large, not JSON, or no JSON object.
    """

    media_type = "*/*"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        body = stream.read(MAXIMUM_BYTES + 1)
        if len(body) > MAXIMUM_BYTES:
            _discard(stream)
            raise ParseError(f"The body is larger than {MAXIMUM_BYTES // 1024} kB. Send a smaller one.")
        data = _load(body)
        if not isinstance(data, dict):
            raise ValidationError({"non_field_errors": ['Send a JSON object: {"field": "value"}.']})
        return data


def _discard(stream: IO[Any]) -> None:
    discarded = 0
    while discarded < MAXIMUM_DISCARDED_BYTES and (chunk := stream.read(CHUNK_BYTES)):
        discarded += len(chunk)


def _load(body: bytes) -> Any:
    try:
        return strict_json.loads(body.decode(), object_pairs_hook=_object)
    except RecursionError:
        raise ParseError("The body is nested too deeply. Send a flat JSON object.") from None
    except (json.JSONDecodeError, strict_json.InvalidJSON) as error:
        raise ParseError(f"The body is not valid JSON: {error}.") from None
    except UnicodeError:
        raise ParseError("The body is not valid UTF-8.") from None
    except ValueError:  # Python reads integers of at most 4,300 digits
        raise ParseError("The body holds a number with too many digits.") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose keys can be told apart and written into an answer."""
    data = dict(pairs)
    if len(data) < len(pairs):
        raise ParseError("The body has the same key twice in one object.")
    for key in data:
        key.encode()  # UnicodeError for half a surrogate pair
    return data
