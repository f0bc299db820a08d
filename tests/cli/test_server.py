"""``serve`` gives files of its folder alone, each as what it is, and lets none of them run anything it should not."""

from __future__ import annotations

import http.client
import threading
from pathlib import Path

import pytest

from audit.cli.server import make_server


@pytest.fixture
def ask(tmp_path: Path):
    folder = tmp_path / "results"
    folder.mkdir()
    (tmp_path / "secret.txt").write_text("SECRET")
    (folder / "run").mkdir()
    for name in ("index.html", "run/report.html", "run/figure.svg", "run/rates.csv", "run/audit.json"):
        (folder / name).write_text("<script>1</script>")
    (folder / "run/data.bin").write_bytes(b"<html>")
    server = make_server(folder, 0)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def go(path: str) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=5)
        connection.putrequest("GET", path, skip_host=False)
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, dict(answer.getheaders()), body

    yield go
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    "path",
    [
        "/index.html",
        "/",
        "/run/report.html",
        "/run/figure.svg",
        "/run/rates.csv",
        "/run/audit.json",
        "/run/data.bin",
        "/none",
    ],
)
def test_every_answer_says_nosniff_and_no_frame(ask, path: str) -> None:
    _, heads, _ = ask(path)
    assert heads["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in heads["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path", ["/run/figure.svg", "/run/rates.csv", "/run/audit.json", "/run/data.bin", "/run/figure.svg?x=.html"]
)
def test_what_is_no_page_is_sandboxed(ask, path: str) -> None:
    status, heads, _ = ask(path)
    assert status == 200
    assert "sandbox" in heads["Content-Security-Policy"]
    assert "default-src 'none'" in heads["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/run/../../secret.txt",
        "/..%2fsecret.txt",
        "//../secret.txt",
        "/%2e%2e%2fsecret.txt",
    ],
)
def test_nothing_outside_the_folder_is_given(ask, path: str) -> None:
    status, _, body = ask(path)
    assert status == 404
    assert b"SECRET" not in body


def test_only_this_machine_is_served(tmp_path: Path) -> None:
    with make_server(tmp_path, 0) as server:
        assert server.server_address[0] == "127.0.0.1"
