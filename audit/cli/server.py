"""``face-audit serve``: the results folder on 127.0.0.1, to nobody else."""

from __future__ import annotations

import functools
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from audit.base.errors import ConfigError

__all__ = ["make_server", "serve_folder"]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing per request."""

    def end_headers(self) -> None:
        """Every file as what its ending says, in nobody's frame; a drawing or a table opened by itself runs nothing
        either.
        """
        page = self.path.partition("?")[0].endswith((".html", "/"))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header(
            "Content-Security-Policy", "frame-ancestors 'none'" + ("" if page else "; default-src 'none'; sandbox")
        )
        super().end_headers()


def make_server(folder: Path, port: int) -> ThreadingHTTPServer:
    """Bind a server to 127.0.0.1.

    Raises
    ------
    ConfigError
        No such folder, or the port is taken.
    """
    if not folder.is_dir():
        raise ConfigError(
            str(folder),
            got="no such folder",
            allowed="a folder of results",
            todo="Run an audit first, or give --results",
        )
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), functools.partial(_Quiet, directory=str(folder)))
    except OSError as error:
        raise ConfigError(
            "--port", got=f"{port} ({error.strerror})", allowed="a free port", todo="Give another, or 0"
        ) from error


def serve_folder(folder: Path, port: int) -> None:
    """Serve until interrupted."""
    with make_server(folder, port) as server:
        start = "index.html" if (folder / "index.html").is_file() else ""
        print(f"http://127.0.0.1:{server.server_address[1]}/{start}", flush=True)
        print("Ctrl-C ends it.", file=sys.stderr)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return
