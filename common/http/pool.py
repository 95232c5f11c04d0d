"""Requests to a provider through pooled connections, which share one TLS context.

A new connection for each call costs 15 ms of CPU, nearly all of it for reading the CA certificates again. The pools
therefore belong to the process and not to a backend, because Django creates a backend for each send. Threads share
them, and a forked child starts with new ones.
"""

import os
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from requests import PreparedRequest, RequestException
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_environ_proxies, select_proxy
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.util import Timeout

from common.http.deadline import Deadline, DeadlineConnection, DeadlineTLSConnection

TIMEOUT = Timeout(connect=5, read=15)  # seconds
MAX_RESPONSE_BYTES = 1_000_000
MAX_CONNECTIONS = 128  # kept open; more than any worker has threads
CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response. ``body`` is None if it broke off or was longer than any real response."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None


@dataclass(frozen=True, slots=True)
class NoResponse:
    """The reason for a missing response.

    ``reached_body``: whether any byte of the request was written; then the server may have acted on it.
    """

    reason: str
    reached_body: bool


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = DeadlineConnection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = DeadlineTLSConnection


POOL_CLASSES = {"http": _PlainPool, "https": _TLSPool}


class PoolingAdapter(HTTPAdapter):
    """requests' adapter for one base URL, with one TLS context for all connections.

    ``ca_certs`` stays unset on the pool, because urllib3 would read that file again for every new connection. Proxy,
    pool, and URL prefix are determined once, because they are the same for all calls.
    """

    def __init__(self, base_url: str) -> None:
        self._context = tls_context()
        super().__init__(pool_maxsize=MAX_CONNECTIONS)
        self._proxies = get_environ_proxies(base_url)
        request = PreparedRequest()
        request.url = base_url
        self._pool = super().get_connection_with_tls_context(request, verify=True, proxies=self._proxies)
        origin = urlsplit(base_url)
        # A proxy for plain HTTP expects the whole URL in the request line; for HTTPS it opens a tunnel instead.
        is_forwarded = bool(select_proxy(base_url, self._proxies)) and origin.scheme == "http"
        self._prefix = f"{origin.scheme}://{origin.netloc}" if is_forwarded else ""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOL_CLASSES

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, proxy_ssl_context=self._context, **kwargs)
        manager.pool_classes_by_scheme = POOL_CLASSES
        return manager

    def build_connection_pool_key_attributes(self, request: PreparedRequest, verify: Any, cert: Any = None) -> Any:
        parts = urlsplit(str(request.url))
        host = {"scheme": parts.scheme, "host": parts.hostname, "port": parts.port}
        return host, {"ssl_context": self._context, "cert_reqs": "CERT_REQUIRED"}

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        return self._pool

    def connect(self) -> None:
        """Connect in advance. Does nothing with a proxy, because urllib3's pool connects to proxies in another way."""
        pool: Any = self._pool
        if pool.proxy:
            return
        connection = pool._get_conn()
        try:
            if connection.is_closed:
                connection.timeout = TIMEOUT.connect_timeout
                connection.connect()
        except (HTTPError, OSError, ValueError):  # the call itself meets the same error and reports it
            connection.close()
        finally:
            pool._put_conn(connection)

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Do nothing: the TLS context holds the certificates."""

    def request_url(self, request: PreparedRequest, proxies: Any) -> str:
        return self._prefix + str(request.url)

    def build_response(self, req: PreparedRequest, resp: Any) -> Any:
        """Return urllib3's response unchanged: cookies, redirects, and text encodings are not used here."""
        return resp


class Pool:
    """The connections to one base URL."""

    def __init__(self, base_url: str) -> None:
        self._path = urlsplit(base_url).path
        self._adapter = PoolingAdapter(base_url)

    def send(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], deadline: timedelta
    ) -> Response | NoResponse:
        """Make the request once, without following redirects. Returns by about the deadline; raises nothing."""
        with Deadline(deadline.total_seconds()) as limit:
            try:
                return self._exchange(method, path, body, headers)
            except (RequestException, HTTPError, OSError) as error:
                reason = "the deadline passed" if limit.is_late else _root_of(error)
                return NoResponse(reason, limit.reached_body)

    def connect(self, deadline: timedelta) -> None:
        """Open a connection, so that the next call can start with its first byte. Raises nothing."""
        with Deadline(deadline.total_seconds()), suppress(HTTPError):
            self._adapter.connect()

    def _exchange(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Response:
        request = PreparedRequest()
        request.method = method
        request.url = self._path + path
        request.headers = {**headers, "Content-Length": str(len(body))}  # type: ignore[assignment]  # only items() is used
        request.body = body
        # stream=True, because the body is read below, with a limit on its size.
        response: Any = self._adapter.send(request, stream=True, timeout=TIMEOUT)  # type: ignore[arg-type]
        return Response(response.status, response.headers, _bounded_body(response))

    def close(self) -> None:
        self._adapter.close()


def _bounded_body(raw: Any) -> bytes | None:
    """Return the body, or None if it breaks off or is too long; the status is valid either way."""
    try:
        body: bytes | None = raw.read(MAX_RESPONSE_BYTES + 1, decode_content=True)
    except (HTTPError, OSError):
        body = None
    if body is not None and len(body) <= MAX_RESPONSE_BYTES:
        return body
    raw.close()  # the connection can't be reused while unread bytes are in it
    return None


def _root_of(error: BaseException) -> str:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return f"{type(error).__name__}: {error}"


def tls_context() -> ssl.SSLContext:
    """Return a context with the CA certificates that the environment names, or else with certifi's.

    It reads the same variables as requests and OpenSSL. Raises ImproperlyConfigured if they name no readable file.
    """
    variable = next((name for name in CA_VARIABLES if os.environ.get(name)), "")
    path = os.environ.get(variable) or DEFAULT_CA_BUNDLE_PATH
    try:
        if os.path.isdir(path):
            return ssl.create_default_context(capath=path)
        return ssl.create_default_context(cafile=path)
    except OSError as error:
        reason = str(error)
    raise ImproperlyConfigured(f"{variable} names {path}, which contains no readable certificates: {reason}")


def pool_for(base_url: str) -> Pool:
    """Return this process's pool for the base URL."""
    pool = _pools.get(base_url)
    if pool is None:
        with _lock:
            pool = _pools.get(base_url) or _pools.setdefault(base_url, Pool(base_url))
    return pool


def close_pools() -> None:
    """Close every idle connection; the next call reads proxies and certificates from the environment again."""
    with _lock:
        for pool in _pools.values():
            pool.close()
        _pools.clear()


def _replace_pools() -> None:
    global _lock, _pools  # parent and child must not write to the same connection
    _lock = threading.Lock()
    _pools = {}


_lock = threading.Lock()
_pools: dict[str, Pool] = {}
os.register_at_fork(after_in_child=_replace_pools)
