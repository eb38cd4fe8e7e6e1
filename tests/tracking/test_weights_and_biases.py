import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import wandb

from kium_lightning.tracking.weights_and_biases import Mode, finish_wandb, open_wandb

KEY = "0123456789abcdef" * 2 + "01234567"


@pytest.fixture(autouse=True)
def _no_proxy_and_no_run_left_open(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("WANDB_DATA_DIR", "")  # set by the run itself, and taken back afterwards
    yield
    finish_wandb()


def opened(folder: Path, mode: Mode = "auto", group: str | None = None, patience_s: float = 3.0) -> tuple[str, float]:
    """Opens a run; returns its mode, and the seconds that it took to open, log to and finish it."""
    started = time.monotonic()
    logger = open_wandb(str(folder), "kium_lightning", "name", group, mode, patience_s)
    logger.log_metrics({"score": 0.5})
    offline = bool(logger.experiment.settings._offline)
    assert (logger.experiment.name, logger.experiment.group or None) == ("name", group)
    finish_wandb()
    return ("offline" if offline else "online"), time.monotonic() - started


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def silent_server() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(50)
        yield int(listener.getsockname()[1])


@contextmanager
def refusing_server() -> Iterator[int]:
    """A server to which no key is right."""

    class Refuse(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(401)
            self.end_headers()
            self.wfile.write(b'{"error": "user is not logged in"}')

        do_GET = do_POST  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refuse)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def test_without_a_login_the_run_is_offline_in_its_own_folder(tmp_path: Path) -> None:
    mode, _ = opened(tmp_path, group="train-now")
    assert mode == "offline"
    (run,) = (tmp_path / "wandb").glob("offline-run-*")
    assert list(run.glob("run-*.wandb"))


def test_every_job_of_a_process_gets_a_run_of_its_own(tmp_path: Path) -> None:
    for job in ("0", "1"):
        opened(tmp_path / job, group="sweep")
        assert len(list((tmp_path / job / "wandb").glob("offline-run-*"))) == 1


def test_a_job_that_did_not_finish_its_run_does_not_lend_it_to_the_next(tmp_path: Path) -> None:
    first = open_wandb(str(tmp_path / "0"), "kium_lightning", "first", None, "auto", 3.0)
    second = open_wandb(str(tmp_path / "1"), "kium_lightning", "second", None, "auto", 3.0)
    assert first.experiment.id != second.experiment.id
    assert wandb.run is not None
    assert wandb.run.name == "second"


def test_a_server_that_is_not_there_means_offline_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{closed_port()}")
    with caplog.at_level(logging.WARNING):
        mode, seconds = opened(tmp_path)
    assert mode == "offline"
    assert seconds < 15
    assert "does not answer" in caplog.text


def test_a_server_that_never_speaks_means_offline_within_the_patience(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    with silent_server() as port:
        monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{port}")
        mode, seconds = opened(tmp_path, patience_s=2.0)
    assert mode == "offline"
    assert seconds < 30


def test_a_key_that_is_refused_means_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    with refusing_server() as port:
        monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{port}")
        mode, seconds = opened(tmp_path, patience_s=3.0)
    assert mode == "offline"
    assert seconds < 30


def test_a_login_in_the_netrc_file_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login user password {KEY}\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{closed_port()}")
    mode, _ = opened(tmp_path / "run")
    assert mode == "offline"  # asked, and found closed


@pytest.mark.parametrize("said", ["offline", "dryrun", "disabled"])
def test_whoever_asks_for_offline_gets_it_without_a_look_at_the_network(
    said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setenv("WANDB_MODE", said)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr("kium_lightning.tracking.weights_and_biases.socket.create_connection", refuse)
    assert opened(tmp_path)[0] == "offline"


def test_finishing_without_a_run_does_nothing() -> None:
    finish_wandb()
    assert wandb.run is None
    assert "WANDB_API_KEY" not in os.environ
