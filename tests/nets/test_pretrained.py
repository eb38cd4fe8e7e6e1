import hashlib
import json
import socket
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import huggingface_hub
import pytest
import torch
from torch import nn

from kium_lightning.errors import WeightsError
from kium_lightning.nets import sources
from kium_lightning.nets.pretrained import with_weights
from kium_lightning.nets.sources import HubFile, UrlFile, timm_sources

CONTENT = b"weights of a net"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class FakeSource:
    name: str
    in_cache: Path | None = None
    on_hub: Path | None = None
    fetched: list[str] = field(default_factory=list)

    def cached(self) -> Path | None:
        return self.in_cache

    def fetch(self) -> Path:
        self.fetched.append(self.name)
        if self.on_hub is None:
            raise WeightsError("the hub is on holiday.")
        return self.on_hub


def built(file: Path | None) -> nn.Linear:
    if file is not None and file.read_bytes() != CONTENT:
        raise WeightsError(f"{file} does not fit.")
    net = nn.Linear(1, 1)
    nn.init.constant_(net.weight, 0.0 if file is None else 1.0)
    return net


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "weights.pth"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture(autouse=True)
def _own_caches_and_no_proxy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def test_auto_falls_back_with_one_warning_that_names_the_cause() -> None:
    with pytest.warns(UserWarning, match="the hub is on holiday") as caught:
        net, record = with_weights("auto", [FakeSource("first"), FakeSource("second")], built)
    assert len(caught) == 1
    assert net.weight.item() == 0
    assert record["source"] == "none"
    assert "first: the hub is on holiday" in record["cause"]
    assert "second" in record["cause"]


def test_a_published_file_that_does_not_fit_is_no_reason_to_start_at_random(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pth"
    wrong.write_bytes(b"something else")
    with pytest.raises(WeightsError, match="does not fit"):
        with_weights("auto", [FakeSource("first", in_cache=wrong)], built)


def test_true_fails_where_auto_falls_back() -> None:
    with pytest.raises(WeightsError, match=r"on holiday\. Connect to the network"):
        with_weights(True, [FakeSource("first")], built)


def test_false_asks_nobody() -> None:
    source = FakeSource("first")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net, record = with_weights(False, [source], built)
    assert net.weight.item() == 0
    assert record["source"] == "none"
    assert source.fetched == []


def test_every_cache_is_asked_before_any_network(file: Path) -> None:
    first, second = FakeSource("first", on_hub=file), FakeSource("second", in_cache=file)
    net, record = with_weights("auto", [first, second], built)
    assert first.fetched == []
    assert net.weight.item() == 1
    assert record == {"source": "hub", "name": "second", "sha256": DIGEST}


def test_local_file_is_recorded_by_path_and_digest(file: Path) -> None:
    net, record = with_weights(str(file), [], built)
    assert net.weight.item() == 1
    assert record == {"source": "file", "name": str(file), "sha256": DIGEST}
    assert json.loads(json.dumps(record)) == record


@pytest.mark.parametrize("pretrained", ["no/such/file.pth", ""])
def test_missing_local_file_is_an_error_and_no_fallback(pretrained: str) -> None:
    with pytest.raises(WeightsError, match="There is no file of weights"):
        with_weights(pretrained, [FakeSource("first")], built)


def test_anything_else_than_a_bool_or_a_string_is_an_error() -> None:
    with pytest.raises(WeightsError, match="pretrained is None"):
        with_weights(None, [], built)  # type: ignore[arg-type]


def test_timm_sources_are_the_hub_and_then_the_publisher() -> None:
    assert timm_sources("resnet18.tv_in1k") == (
        HubFile("timm/resnet18.tv_in1k", "model.safetensors"),
        UrlFile("https://download.pytorch.org/models/resnet18-f37072fd.pth"),
    )
    assert timm_sources("swinv2_cr_tiny_ns_224")[0] == HubFile(
        "timm/swinv2_cr_tiny_ns_224.sw_in1k", "model.safetensors"
    )


class _Hub(BaseHTTPRequestHandler):
    """Answers as the hub does: a header with commit and digest, then the content."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        if self._answer():
            self.wfile.write(CONTENT)

    def _answer(self) -> bool:
        known = "missing" not in self.path
        self.send_response(200 if known else 404)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{DIGEST}"')
        self.send_header("Content-Length", str(len(CONTENT)) if known else "0")
        self.end_headers()
        return known

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def silent_host() -> Iterator[str]:
    """A host that takes connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def closed_host() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def _at(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(
        huggingface_hub.constants,
        "HUGGINGFACE_CO_URL_TEMPLATE",
        endpoint + "/{repo_id}/resolve/{revision}/{filename}",
    )


def test_hub_file_is_downloaded_once_and_then_found_in_the_cache(hub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _at(monkeypatch, hub)
    source = HubFile("someone/net", "model.pth")
    assert source.cached() is None
    path = source.fetch()
    assert path.read_bytes() == CONTENT
    assert source.cached() == path


def test_refusal_of_the_hub_is_the_cause(hub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _at(monkeypatch, hub)
    with pytest.raises(WeightsError, match="the hub did not give the file"):
        HubFile("someone/missing", "model.pth").fetch()


def test_url_file_is_downloaded_once_and_then_found_in_the_cache(hub: str) -> None:
    source = UrlFile(f"{hub}/models/net-{DIGEST[:8]}.pth")
    assert source.cached() is None
    path = source.fetch()
    assert path.read_bytes() == CONTENT
    assert source.cached() == path
    assert path.is_relative_to(Path(torch.hub.get_dir()))


def test_url_file_with_a_wrong_digest_is_not_kept(hub: str) -> None:
    source = UrlFile(f"{hub}/models/net-00000000.pth")
    with pytest.raises(WeightsError, match="the download failed"):
        source.fetch()
    assert source.cached() is None


def test_closed_host_is_given_up_at_once(closed_host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _at(monkeypatch, closed_host)
    begin = time.perf_counter()
    with pytest.warns(UserWarning, match="cannot be reached"):
        with_weights("auto", [HubFile("someone/net", "model.pth"), UrlFile(f"{closed_host}/net-00000000.pth")], built)
    assert time.perf_counter() - begin < 2


def test_silent_host_is_given_up_within_the_probe(silent_host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_PROBE_SECONDS", 0.3)
    begin = time.perf_counter()
    with pytest.raises(WeightsError, match="cannot be reached"):
        UrlFile(f"{silent_host}/net-00000000.pth").fetch()
    assert time.perf_counter() - begin < 2


def test_offline_asks_no_host(hub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _at(monkeypatch, hub)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for source in (HubFile("someone/net", "model.pth"), UrlFile(f"{hub}/net-{DIGEST[:8]}.pth")):
        with pytest.raises(WeightsError, match="HF_HUB_OFFLINE is set"):
            source.fetch()
