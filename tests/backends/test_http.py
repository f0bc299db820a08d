"""The http backend against a real server on this machine that speaks as CompreFace does (docs/Rest-API-description.md
of exadel-inc/CompreFace)."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np
import pytest

from audit.backends.protocol import Backend, Status
from audit.backends.registry import make
from audit.base.errors import BackendError
from audit.embeddings.extract import extract

KEY = "s3cret-key-0815"

Reply = tuple[int, dict | list | str, dict[str, str]]


class Service:
    """Answers each request by ``rule(path, images, count)``; remembers what it saw."""

    def __init__(self) -> None:
        self.rule: Callable[[str, dict[str, np.ndarray], int], Reply] = lambda path, images, count: (
            200,
            {"result": [mean(images["file"])]},
            {},
        )
        self.keys: list[str | None] = []
        self.times: list[float] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                message = BytesParser(policy=HTTP).parsebytes(
                    b"Content-Type: " + self.headers["Content-Type"].encode() + b"\r\n\r\n" + body
                )
                images = {
                    part.get_param("name", header="Content-Disposition"): cv2.imdecode(
                        np.frombuffer(part.get_payload(decode=True), np.uint8), 1
                    )
                    for part in message.iter_parts()
                }
                service.keys.append(self.headers.get("x-api-key"))
                service.times.append(time.monotonic())
                status, answer, headers = service.rule(self.path, images, len(service.times))
                data = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(data)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"


def box(left: float, right: float) -> dict:
    return {"probability": 0.99, "x_min": left, "x_max": right, "y_min": 10, "y_max": 10 + right - left}


def mean(image: np.ndarray, left: float = 10, right: float = 30) -> dict:
    return {"embedding": image.reshape(-1, 3).mean(axis=0).tolist(), "box": box(left, right)}


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def options(service, monkeypatch) -> dict:
    monkeypatch.setenv("TEST_FACE_KEY", KEY)
    return {
        "url": f"{service.url}/api/v1/detection/detect?face_plugins=calculator",
        "verify_url": f"{service.url}/api/v1/verification/verify",
        "dimensions": 3,
        "product": "CompreFace",
        "product_version": "1.2",
        "key_env": "TEST_FACE_KEY",
        "requests_per_second": 1000,
        "first_pause_seconds": 0.01,
    }


IMAGE = np.random.default_rng(3).integers(0, 256, (40, 40, 3)).astype(np.uint8)


def test_a_template_arrives_and_the_image_left_unchanged(service, options) -> None:
    backend = make("http", options)
    assert isinstance(backend, Backend)
    found = backend.extract([IMAGE, IMAGE[:20]])
    np.testing.assert_array_equal(found[1].template, IMAGE[:20].reshape(-1, 3).mean(axis=0).astype(np.float32))
    assert (found[0].faces, found[0].quality["face_pixels"]) == (1, 20.0)
    assert service.keys == [KEY, KEY]


def test_it_goes_through_workers_like_any_backend(service, options, tmp_path) -> None:
    paths = [tmp_path / f"{n}.png" for n in range(3)]
    for n, path in enumerate(paths):
        cv2.imwrite(str(path), IMAGE + n)
    found = extract(paths, "http", options, jobs=2)
    np.testing.assert_array_equal(
        found.vectors, [(IMAGE + n).reshape(-1, 3).mean(axis=0).astype(np.float32) for n in range(3)]
    )


def test_no_face_has_code_28_or_an_empty_list(service, options) -> None:
    service.rule = lambda *_: (400, {"message": "No face is found in the given image", "code": 28}, {})
    assert make("http", options).extract([IMAGE])[0].status == Status.NO_FACE
    service.rule = lambda *_: (200, {"result": []}, {})
    assert make("http", options).extract([IMAGE])[0].status == Status.NO_FACE


def test_the_face_is_chosen_as_the_options_say(service, options) -> None:
    # Three faces in a photo 40 wide: [0, 8] in the corner, [14, 26] in the middle, [20, 40] the largest.
    service.rule = lambda path, images, count: (
        200,
        {
            "result": [
                {"embedding": [n, 1, 1], "box": box(*span)} for n, span in enumerate([(0, 8), (14, 26), (20, 40)])
            ]
        },
        {},
    )
    assert make("http", options).extract([IMAGE])[0].template[0] == 1
    assert make("http", {**options, "face": "largest"}).extract([IMAGE])[0].template[0] == 2
    only = make("http", {**options, "face": "only"}).extract([IMAGE])[0]
    assert (only.status, only.faces) == (Status.MANY_FACES, 3)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_may_pass_is_tried_again(service, options, status) -> None:
    service.rule = lambda path, images, count: (
        (200, {"result": [mean(images["file"])]}, {}) if count == 3 else (status, "busy", {})
    )
    assert make("http", options).extract([IMAGE])[0].status == Status.ACQUIRED
    assert len(service.times) == 3


def test_what_does_not_pass_is_an_error_after_all_tries(service, options) -> None:
    service.rule = lambda *_: (503, "down", {})
    row = make("http", {**options, "tries": 3}).extract([IMAGE])[0]
    assert (row.status, row.reason, len(service.times)) == (Status.ERROR, "the service answered HTTP 503, 3 times", 3)


def test_a_bad_request_is_not_tried_again(service, options) -> None:
    service.rule = lambda *_: (400, {"message": "file too large", "code": 1}, {})
    assert make("http", options).extract([IMAGE])[0].reason == "the service answered HTTP 400"
    assert len(service.times) == 1


def test_retry_after_is_honoured_up_to_the_longest_pause(service, options) -> None:
    service.rule = lambda path, images, count: (
        (200, {"result": []}, {}) if count == 2 else (429, "", {"Retry-After": "0.4"})
    )
    make("http", options).extract([IMAGE])
    assert 0.4 <= service.times[1] - service.times[0] < 2
    service.times.clear()
    service.rule = lambda path, images, count: (
        (200, {"result": []}, {}) if count == 2 else (429, "", {"Retry-After": "3600"})
    )
    make("http", {**options, "longest_pause_seconds": 0.1}).extract([IMAGE])
    assert service.times[1] - service.times[0] < 2


def test_requests_keep_the_pace(service, options) -> None:
    make("http", {**options, "requests_per_second": 20}).extract([IMAGE] * 6)
    assert service.times[-1] - service.times[0] >= 5 / 20 - 0.1  # a busy machine may hear of the first one late


def test_parallel_requests_keep_the_order_and_the_pace(service, options) -> None:
    def slow(path, images, count):
        time.sleep(0.6)
        return 200, {"result": [mean(images["file"])]}, {}

    service.rule = slow
    images = [np.full((20, 20, 3), 10 * n, np.uint8) for n in range(8)]
    backend = make("http", {**options, "parallel": 8, "requests_per_second": 10})
    start = time.monotonic()
    found = backend.extract(images)
    assert time.monotonic() - start < 8 * 0.6
    assert [row.template[0] for row in found] == [10 * n for n in range(8)]
    assert service.times[-1] - service.times[0] >= 0.4  # 7 pauses of 0.1 s, less what a busy machine delays the first


def test_a_service_is_given_the_time_its_retries_need(options) -> None:
    # 5 tries of at most 30 s, and pauses of at most 60 s: 450 s, more than the usual 300 s per photo.
    assert make("http", options).patience_seconds == 450


def test_a_service_that_is_not_there_is_an_error_per_image(options) -> None:
    row = make("http", {**options, "url": "http://127.0.0.1:9/", "tries": 2}).extract([IMAGE])[0]
    assert row.reason == "the service cannot be reached (ConnectionError), 2 times"


def test_a_silent_service_is_left_in_time(service, options) -> None:
    def slow(path, images, count):
        time.sleep(1.0)
        return 200, {"result": []}, {}

    service.rule = slow
    row = make("http", {**options, "timeout_seconds": 0.2, "tries": 1}).extract([IMAGE])[0]
    assert row.reason == "the service gave no whole answer within 0.2 s, 1 times"


@pytest.mark.parametrize(
    "answer",
    [
        "not JSON",
        [1],
        {"faces": []},
        {"result": [1]},
        {"result": [{"box": box(1, 2)}]},
        {"result": [{"embedding": ["a"], "box": box(1, 2)}]},
        {"result": [{"embedding": [1], "box": {}}]},
    ],
)
def test_an_answer_that_is_not_understood_is_an_error_of_that_image(service, options, answer) -> None:
    service.rule = lambda *_: (200, answer, {})
    row = make("http", options).extract([IMAGE])[0]
    assert row.status == Status.ERROR
    assert "answer" in row.reason


def test_pairs_are_scored_by_the_verification_service(service, options) -> None:
    def verify(path, images, count):
        assert path == "/api/v1/verification/verify"
        likeness = 1 - abs(float(images["source_image"].mean()) - float(images["target_image"].mean())) / 255
        return (
            200,
            {"result": [{"source_image_face": {}, "face_matches": [{"box": box(10, 30), "similarity": likeness}]}]},
            {},
        )

    service.rule = verify
    dark = np.full_like(IMAGE, 10)
    scores = make("http", options).score([IMAGE, IMAGE], [IMAGE, dark])
    assert scores[0].score == 1.0
    assert scores[1].score == pytest.approx(1 - abs(IMAGE.mean() - 10) / 255)
    service.rule = lambda *_: (400, {"code": 28}, {})
    assert make("http", options).score([IMAGE], [IMAGE])[0].status == Status.NO_FACE
    service.rule = lambda *_: (200, {"result": [{"face_matches": []}]}, {})
    assert make("http", options).score([IMAGE], [IMAGE])[0].status == Status.NO_FACE


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_key_ends_the_run_at_once(service, options, status, tmp_path) -> None:
    service.rule = lambda *_: (status, {"message": "wrong key"}, {})
    cv2.imwrite(str(tmp_path / "a.png"), IMAGE)
    with pytest.raises(BackendError, match=f"refused the key \\(HTTP {status}\\)"):
        extract([tmp_path / "a.png"] * 5, "http", options, jobs=1)
    assert len(service.times) == 1


def test_the_key_is_shown_nowhere(service, options, caplog) -> None:
    backend = make("http", {**options, "url": f"{service.url}/detect?token=hidden"})
    with caplog.at_level(logging.DEBUG):
        service.rule = lambda *_: (503, KEY, {})
        reasons = [row.reason for row in backend.extract([IMAGE])]
    shown = json.dumps(backend.describe()) + repr(backend.__dict__) + caplog.text + str(reasons) + backend.version
    assert service.keys[0] == KEY
    assert KEY not in shown
    assert "hidden" not in json.dumps(backend.describe())


def test_the_key_is_not_carried_to_another_host(service, options) -> None:
    other = Service()
    threading.Thread(target=other.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    service.rule = lambda *_: (307, "", {"Location": f"{other.url}/elsewhere"})
    row = make("http", options).extract([IMAGE])[0]
    other.server.shutdown()
    other.server.server_close()
    assert (row.reason, other.times) == ("the service answered HTTP 307", [])


def test_the_fingerprint_depends_on_the_product_and_not_on_the_key(options, monkeypatch) -> None:
    first = make("http", options).fingerprint
    monkeypatch.setenv("TEST_FACE_KEY", "another")
    assert make("http", {**options, "requests_per_second": 1}).fingerprint == first
    assert make("http", {**options, "product_version": "1.3"}).fingerprint != first


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"key_env": "NO_SUCH_VARIABLE"}, "environment variable NO_SUCH_VARIABLE is not set"),
        ({"url": "ftp://example.org"}, "Allowed: http or https"),
        ({"url": "https://me:secret@example.org"}, "without a user name or password"),
        ({"key": KEY}, "unknown option 'key'"),
    ],
)
def test_options_that_cannot_be_are_refused(options, change, words) -> None:
    with pytest.raises(BackendError) as error:
        make("http", {**options, **change})
    assert words in str(error.value)
    assert "secret" not in str(error.value)
    assert KEY not in str(error.value)
