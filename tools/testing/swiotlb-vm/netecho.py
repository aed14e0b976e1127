# SPDX-License-Identifier: GPL-2.0
"""A TCP echo server on the loopback: the far end of the guest's network test.

QEMU's user network carries a guest's connection to 10.0.2.2 to the host's
loopback, so this needs no privileges and no network.
"""

from __future__ import annotations

import socketserver
import threading


class _Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while data := self.request.recv(65536):
            self.request.sendall(data)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False


class EchoServer:
    """Serves while the `with` block lasts, on a port the system picks."""

    def __enter__(self) -> "EchoServer":
        self._server = _Server(("127.0.0.1", 0), _Echo)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
