"""The parser of request bodies: JSON of limited size, in the strict form that all later code can rely on."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any

from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import BaseParser

from common import strict_json

MAXIMUM_BYTES = 64 * 1024
# If a server responds without reading the body, the client may see a connection reset instead of the response.
MAXIMUM_DISCARDED_BYTES = 32 * 1024 * 1024
CHUNK_BYTES = 256 * 1024
# Python reads about a thousand levels, but then can't always print such a value in an error.
MAXIMUM_LEVELS = 16
TOO_DEEP = "The body is nested too deeply. Send a flat JSON object."


class BoundedJSONParser(BaseParser):
    """Parses every body as JSON, whatever its content type, so that `curl -d` needs no header.

    The response is 400 if the body is too large or isn't a JSON object.
    """

    media_type = "*/*"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        try:
            body = stream.read(MAXIMUM_BYTES + 1) if _length(parser_context) <= MAXIMUM_BYTES else None
        except OSError:  # the connection broke, or the chunks are malformed
            raise ParseError("The body can't be read.") from None
        if body is None or len(body) > MAXIMUM_BYTES:
            _discard(stream)
            raise ParseError(f"The body is larger than {MAXIMUM_BYTES // 1024} kB. Send a smaller one.")
        data = _load(body)
        if not isinstance(data, dict):
            raise ValidationError({"non_field_errors": ['Send a JSON object: {"field": "value"}.']})
        if _is_nested_deeper(data, MAXIMUM_LEVELS):
            raise ParseError(TOO_DEEP)
        return data


def _length(context: Mapping[str, Any] | None) -> int:
    """Return the request's Content-Length, or 0 if it has none."""
    request = (context or {}).get("request")
    length = request.META.get("CONTENT_LENGTH", "") if request else ""
    return int(length) if re.fullmatch("[0-9]{1,19}", length or "") else 0


def _discard(stream: IO[Any]) -> None:
    discarded = 0
    with suppress(OSError):  # common.buffering does this itself
        while discarded < MAXIMUM_DISCARDED_BYTES and (chunk := stream.read(CHUNK_BYTES)):
            discarded += len(chunk)


def _load(body: bytes) -> Any:
    try:
        return strict_json.loads(body.decode(), object_pairs_hook=_object)
    except RecursionError:
        raise ParseError(TOO_DEEP) from None
    except (json.JSONDecodeError, strict_json.InvalidJSON) as error:
        raise ParseError(f"The body is not valid JSON: {error}.") from None
    except UnicodeError:
        raise ParseError("The body is not valid UTF-8.") from None
    except ValueError:  # Python refuses integers with more than 4,300 digits
        raise ParseError("The body contains a number with too many digits.") from None


def _is_nested_deeper(value: Any, levels: int) -> bool:
    level = [value]
    for _ in range(levels):
        containers = [item for item in level if isinstance(item, dict | list)]
        level = [child for item in containers for child in (item.values() if isinstance(item, dict) else item)]
    return any(isinstance(item, dict | list) for item in level)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the JSON object; refuses duplicate keys, and keys that can't be encoded in a response."""
    data = dict(pairs)
    if len(data) < len(pairs):
        raise ParseError("The body has a duplicate key in an object.")
    for key in data:
        key.encode()  # UnicodeError for half a surrogate pair
    return data
