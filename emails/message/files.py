"""Content types and names of files: what the caller wrote, what was only guessed, and which of them fit together."""

import mimetypes
from email.message import Message as MimePart
from email.utils import collapse_rfc2231_value

DEFAULT_TYPE = "application/octet-stream"
# Python's own table. The default one also reads files of the machine, so its results differ between machines.
KNOWN_TYPES = mimetypes.MimeTypes()
# What the bytes of a compressed file are, by Python's name of the compression. The inner type says nothing about them.
COMPRESSED_TYPES = {
    "gzip": "application/gzip",
    "compress": "application/x-compress",
    "bzip2": "application/x-bzip2",
    "xz": "application/x-xz",
    "br": "application/x-brotli",
}
# Other names of a type.
SAME_TYPES = {
    "text/xml": "application/xml",
    "application/javascript": "text/javascript",
    "image/jpg": "image/jpeg",
    "audio/x-wav": "audio/wav",
    "application/x-zip-compressed": "application/zip",
    "application/x-gzip": "application/gzip",
    "application/x-gunzip": "application/gzip",
    "application/x-tgz": "application/gzip",
    "application/x-compressed-tar": "application/gzip",
    "application/x-gtar-compressed": "application/gzip",
    "application/x-bzip": "application/x-bzip2",
    "application/bzip2": "application/x-bzip2",
    "application/x-bzip-compressed-tar": "application/x-bzip2",
    "application/x-bzip2-compressed-tar": "application/x-bzip2",
    "application/xz": "application/x-xz",
    "application/x-xz-compressed-tar": "application/x-xz",
    "application/brotli": "application/x-brotli",
    "application/x-br": "application/x-brotli",
    "application/x-tarz": "application/x-compress",
}


def type_by_name(filename: str) -> str:
    """Return the type that fits the name on every machine, or an empty string if no type is known for it."""
    content_type, compression = KNOWN_TYPES.guess_type(filename)
    return (COMPRESSED_TYPES.get(compression) if compression else content_type) or ""


def guessed_type(filename: str) -> str:
    """Return the type that Django gives a file without one, or an empty string. It depends on the machine."""
    return mimetypes.guess_type(filename)[0] or ""


def name_by_type(content_type: str) -> str:
    """Return a name for a file without one. It has an extension only if one is known for the type."""
    return "attachment" + (KNOWN_TYPES.guess_extension(content_type) or "")


def is_same_type(one: str, other: str) -> bool:
    return SAME_TYPES.get(one, one) == SAME_TYPES.get(other, other)


def parameters_of(content_type: str) -> list[tuple[str, str]]:
    """Return the parameters of a content type, such as [("method", "REQUEST")]."""
    part = MimePart()
    part["Content-Type"] = content_type
    return [(name.lower(), collapse_rfc2231_value(value)) for name, value in part.get_params(failobj=[])[1:]]


def with_parameters(content_type: str, parameters: list[tuple[str, str]]) -> str:
    """Return the content type followed by the parameters, quoted, and encoded if they aren't ASCII."""
    part = MimePart()
    part["Content-Type"] = content_type
    for name, value in parameters:
        part.set_param(name, value, charset="" if value.isascii() else "utf-8")
    return str(part["Content-Type"])
