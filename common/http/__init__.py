"""HTTP calls to providers: pooled connections, and one deadline for a whole call.

``pool.py`` makes calls through requests' adapter, and ``deadline.py`` limits how long they take. Both override methods
of requests and urllib3, some of them private, because no public option offers what delivery needs:

- to know whether any byte of the body was written, which decides whether a failed call may be repeated;
- one deadline for the name lookup, the connection, the TLS handshake, and the response together;
- one TLS context for all connections, because reading the CA certificates costs 15 ms of CPU.

Overridden in urllib3's HTTPConnection and HTTPSConnection (deadline.py):

- ``_new_conn``: keep a second handle on the new socket, through which the deadline can shut it down.
- ``is_connected``: don't reuse a connection that was idle for long, and keep a TLS connection whose only unread data
  are session tickets.
- ``endheaders``: hold the head back until the body comes, so that both go out in one packet.
- ``send``: record the first byte, and refuse to write it once the deadline has passed.
- ``getresponse``: send the head of a request that has no body.
- ``close``: close the second handle too.

Overridden in requests' HTTPAdapter (pool.py):

- ``init_poolmanager``, ``proxy_manager_for``: use the connection classes above.
- ``build_connection_pool_key_attributes``: pass the shared TLS context.
- ``get_connection_with_tls_context``, ``request_url``: use the pool and the URL prefix that were determined once.
- ``cert_verify``: do nothing, because the TLS context holds the certificates already.
- ``build_response``: return urllib3's response as it is, because nothing here uses cookies or redirects.

Used, but not overridden: ``_get_conn`` and ``_put_conn`` of urllib3's connection pools, to connect before a call.

``common/tests/test_http_overrides.py`` fails if an upgrade of either library removes one of these methods.
"""
