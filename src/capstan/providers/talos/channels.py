"""Opens channels to real machines. gRPC is loaded with the first of them: a plane starts without it."""

from __future__ import annotations

from capstan.providers.talos.channel import APID_PORT, Channel, ClientCredentials
from capstan.providers.talos.dialling import Connect


class GrpcChannels:
    """Implements `ChannelFactory`; `connect` is the dialer's."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    async def connect(self, address: str, credentials: ClientCredentials | None, port: int = APID_PORT) -> Channel:
        """A channel to an apid. It connects with its first call. Raises RpcError for unusable credentials."""
        from capstan.providers.talos.channel_grpclib import open_connection

        return open_connection(self._connect, address, credentials, port)
