"""TCP probes on a connection that stays silent for as long as a function runs.

botocore's `tcp_keepalive` sets SO_KEEPALIVE and no more: Linux sends its first probe after two hours, while a NAT
gateway forgets a connection that was idle for 350 seconds, and the answer is lost with it.
https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html, boto/botocore#2916 and #3140.
"""

import socket
from typing import Any

IDLE_SECONDS = 60
INTERVAL_SECONDS = 30

_VALUES = {
    "TCP_KEEPIDLE": IDLE_SECONDS,
    "TCP_KEEPALIVE": IDLE_SECONDS,  # macOS calls it so
    "TCP_KEEPINTVL": INTERVAL_SECONDS,
}
PROBES = [
    (socket.IPPROTO_TCP, getattr(socket, name), value) for name, value in _VALUES.items() if hasattr(socket, name)
]


def probe_idle_connections(client: Any) -> None:
    """Let the connections that a boto3 client opens from now on be probed. The client must have `tcp_keepalive`.

    botocore has no setting for it: the options are added to those that its HTTP session opens every socket with, by way
    of a proxy or not. A test reads them from an open connection, lest an update of botocore undo this unnoticed.
    """
    client._endpoint.http_session._socket_options.extend(PROBES)  # noqa: SLF001
