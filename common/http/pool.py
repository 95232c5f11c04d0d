"""Requests to a provider: pooled connections, one TLS context, and a deadline for the whole call.

A connection per call costs 15 ms of CPU, nearly all of it for reading the CA bundle anew. So the pools belong to the
process: backends come and go (Django makes one per send), threads share them, a forked child starts its own.
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

from common.http.deadline import Call, DeadlineConnection, DeadlineTLSConnection

TIMEOUT = Timeout(connect=5, read=15)  # seconds
ANSWER_BYTES = 1_000_000
CONNECTIONS = 128  # kept open at most; more than any worker has threads
CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider said. `body` is None where it broke off or was longer than any real answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Why there is none, and whether any of the body was on its way: the provider may have acted on it then."""

    reason: str
    reached_body: bool


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = DeadlineConnection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = DeadlineTLSConnection


POOL_CLASSES = {"http": _PlainPool, "https": _TLSPool}


class PoolingAdapter(HTTPAdapter):
    """requests' adapter for one base URL, with one TLS context for all connections.

    `ca_certs` stays unset on the pool: urllib3 would read that file again for every new connection. What never changes
    between calls (proxy, pool, form of the URL) is worked out once.
    """

    def __init__(self, base_url: str) -> None:
        self._context = tls_context()
        super().__init__(pool_maxsize=CONNECTIONS)
        self._proxies = get_environ_proxies(base_url)
        request = PreparedRequest()
        request.url = base_url
        self._pool = super().get_connection_with_tls_context(request, verify=True, proxies=self._proxies)
        origin = urlsplit(base_url)
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
        """Not through a proxy, where the pool connects in its own way."""
        pool: Any = self._pool
        if pool.proxy:
            return
        connection = pool._get_conn()
        try:
            if connection.is_closed:
                connection.timeout = TIMEOUT.connect_timeout
                connection.connect()
        except (HTTPError, OSError, ValueError):  # the call itself will tell
            connection.close()
        finally:
            pool._put_conn(connection)

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Nothing: the context knows its certificates."""

    def request_url(self, request: PreparedRequest, proxies: Any) -> str:
        return self._prefix + str(request.url)

    def build_response(self, req: PreparedRequest, resp: Any) -> Any:
        """urllib3's response as it is: cookies, history and encodings are nobody's business here."""
        return resp


class Pool:
    """The connections to one base URL."""

    def __init__(self, base_url: str) -> None:
        self._path = urlsplit(base_url).path
        self._adapter = PoolingAdapter(base_url)

    def post(self, path: str, body: bytes, headers: Mapping[str, str], deadline: timedelta) -> Answer | NoAnswer:
        return self.send("POST", path, body, headers, deadline)

    def send(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], deadline: timedelta
    ) -> Answer | NoAnswer:
        """Make the request once, following no redirect. Returns within about the deadline; raises nothing."""
        with Call(deadline.total_seconds()) as call:
            try:
                return self._exchange(method, path, body, headers)
            except (RequestException, HTTPError, OSError) as error:
                reason = "the deadline passed" if call.is_late else _root_of(error)
                return NoAnswer(reason, call.reached_body)

    def connect(self, deadline: timedelta) -> None:
        """Have a connection ready, so that the next call begins with its first byte. Raises nothing."""
        with Call(deadline.total_seconds()), suppress(HTTPError):
            self._adapter.connect()

    def _exchange(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        request = PreparedRequest()
        request.method = method
        request.url = self._path + path
        request.headers = {**headers, "Content-Length": str(len(body))}  # type: ignore[assignment]  # items() is all
        request.body = body
        response: Any = self._adapter.send(request, stream=True, timeout=TIMEOUT)  # type: ignore[arg-type]
        return Answer(response.status, response.headers, _bounded_body(response))

    def close(self) -> None:
        self._adapter.close()


def _bounded_body(raw: Any) -> bytes | None:
    """The status is already known here, so a body that breaks off takes nothing away from it."""
    try:
        body: bytes | None = raw.read(ANSWER_BYTES + 1, decode_content=True)
    except (HTTPError, OSError):
        body = None
    if body is not None and len(body) <= ANSWER_BYTES:
        return body
    raw.close()
    return None


def _root_of(error: BaseException) -> str:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return f"{type(error).__name__}: {error}"


def tls_context() -> ssl.SSLContext:
    """The certificates that the environment names, in the variables that requests and OpenSSL read, else certifi's."""
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
    """This process's pool for the base URL."""
    pool = _pools.get(base_url)
    if pool is None:
        with _lock:
            pool = _pools.get(base_url) or _pools.setdefault(base_url, Pool(base_url))
    return pool


def close_pools() -> None:
    """Close every idle connection; the next call opens its own, by the environment as it is then."""
    with _lock:
        for pool in _pools.values():
            pool.close()
        _pools.clear()


def _start_afresh() -> None:
    global _lock, _pools  # a connection shared with the parent would mix up two conversations
    _lock = threading.Lock()
    _pools = {}


_lock = threading.Lock()
_pools: dict[str, Pool] = {}
os.register_at_fork(after_in_child=_start_afresh)
