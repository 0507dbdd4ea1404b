"""How a connection to a machine is opened: the dialer's part of a channel."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable

#: Opens a connected, non-blocking socket, through a proxy where there is one. Raises TransientError.
Connect = Callable[[str, int], Awaitable[socket.socket]]
