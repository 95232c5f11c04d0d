"""The methods of requests and urllib3 that common/http overrides: an upgrade that removes one must fail here."""

import inspect

import pytest
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

import common.http
from common.http.deadline import DeadlineConnection, DeadlineTLSConnection
from common.http.pool import PoolingAdapter

PAIRS = [
    (DeadlineConnection, HTTPConnection),
    (DeadlineTLSConnection, HTTPSConnection),
    (PoolingAdapter, HTTPAdapter),
]
OUR_OWN = {"_holds_only_tickets", "connect"}


def overridden(ours):
    """The names of the methods and properties of its library that this class overrides."""
    return {
        name
        for name, value in vars(ours).items()
        if (inspect.isfunction(value) or isinstance(value, property)) and not name.startswith("__")
    } - OUR_OWN


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_overridden_methods_still_exist(ours, theirs):
    assert {name for name in overridden(ours) if not hasattr(theirs, name)} == set()


@pytest.mark.parametrize("ours", [ours for ours, _ in PAIRS])
def test_package_docstring_lists_every_override(ours):
    assert {name for name in overridden(ours) if f"``{name}``" not in (common.http.__doc__ or "")} == set()


@pytest.mark.parametrize("name", ["_get_conn", "_put_conn"])
@pytest.mark.parametrize("pool_class", [HTTPConnectionPool, HTTPSConnectionPool])
def test_used_private_method_still_exists(pool_class, name):
    assert f"``{name}``" in (common.http.__doc__ or "")
    assert callable(getattr(pool_class, name))


@pytest.mark.parametrize(
    ("caller", "name"),
    [
        (HTTPConnection.connect, "_new_conn"),
        (HTTPConnectionPool._get_conn, "is_connection_dropped"),
        (HTTPAdapter.send, "get_connection_with_tls_context"),
        (HTTPAdapter.send, "cert_verify"),
        (HTTPAdapter.send, "request_url"),
        (HTTPAdapter.send, "build_response"),
        (HTTPAdapter.__init__, "init_poolmanager"),
    ],
)
def test_library_still_calls_what_is_overridden(caller, name):
    assert name in inspect.getsource(caller)
