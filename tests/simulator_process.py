"""Starts the real simulator as a process of its own, for any test that needs an exchange."""

from __future__ import annotations

import functools
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from alpaca.common.rest import RESTClient
from alpaca.data.historical import CryptoHistoricalDataClient, StockHistoricalDataClient
from alpaca.trading.client import TradingClient

KEY, SECRET = "TESTKEY", "test-secret"
START_SECONDS = 20.0
STOP_SECONDS = 10.0
TIMEOUT = (3.0, 10.0)


class SimulatorProcess:
    """A simulator on a free port. `variables` are settings without their TRIMTAB_SIM_ prefix."""

    def __init__(
        self, folder: Path, variables: Mapping[str, object], environment: Mapping[str, str]
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.variables = dict(variables)
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        """What the process has written so far."""
        return (self.folder / "output.txt").read_text()

    def start(self) -> None:
        """Start it (again), and return when it serves."""
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = {f"TRIMTAB_SIM_{name.upper()}": str(v) for name, v in self.variables.items()}
        inherited = {n: v for n, v in os.environ.items() if not n.startswith(("TRIMTAB_", "APCA_"))}
        with (self.folder / "output.txt").open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "trimtab_simulator"],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={
                    **inherited,
                    "TRIMTAB_HOME": str(self.folder),
                    "TRIMTAB_SIMULATOR_HTTP_PORT": str(self.port),
                    **settings,
                    **self._environment,
                },
            )
        self._wait_until_ready()

    def stop(self) -> int:
        """End it in good order; returns the exit status."""
        process = self._running()
        process.terminate()
        return process.wait(STOP_SECONDS)

    def kill(self) -> None:
        """End it as a crash would."""
        process = self._running()
        process.kill()
        process.wait(STOP_SECONDS)

    def close(self) -> None:
        """Leave nothing behind."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(STOP_SECONDS)

    def get(self, path: str, **query: Any) -> Any:
        """The JSON at a path; the control endpoints need no keys."""
        return self._asked("GET", path, params=query)

    def post(self, path: str, body: Any) -> Any:
        return self._asked("POST", path, json=body)

    def delete(self, path: str) -> Any:
        return self._asked("DELETE", path)

    def open(self, row: str) -> Any:
        """Open a row; returns the kept reply."""
        return self.post("/control/open", {"row": row})

    def trading_client(self, *, raw_data: bool = False) -> Any:
        """Alpaca's own `TradingClient`; only its missing time-out is added."""
        return limited(TradingClient(KEY, SECRET, raw_data=raw_data, url_override=self.url))

    def stock_client(self) -> Any:
        return limited(StockHistoricalDataClient(KEY, SECRET, url_override=self.url))

    def crypto_client(self) -> Any:
        return limited(CryptoHistoricalDataClient(url_override=self.url))

    def _asked(self, method: str, path: str, **arguments: Any) -> Any:
        headers = {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET}
        answer = requests.request(
            method, self.url + path, headers=headers, timeout=TIMEOUT, **arguments
        )
        if answer.status_code >= requests.codes.bad_request:
            raise AssertionError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json()

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the simulator was not started"
        return self._process

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if self._running().poll() is not None:
                break
            try:
                if requests.get(f"{self.url}/readyz", timeout=1).ok:
                    return
            except requests.ConnectionError:
                time.sleep(0.02)
        raise AssertionError(f"the simulator did not start:\n{self.output}")


@contextmanager
def running_simulator(
    folder: Path, environment: Mapping[str, str] | None = None, /, **variables: object
) -> Iterator[SimulatorProcess]:
    """A simulator that serves until the block ends: `running_simulator(tmp_path, seed=7)`.

    Keywords are settings without their TRIMTAB_SIM_ prefix; `environment` holds other variables.
    """
    simulator = SimulatorProcess(folder, variables, environment or {})
    try:
        simulator.start()
        yield simulator
    finally:
        simulator.close()


def limited(client: RESTClient) -> Any:
    """Give a client the time-out that it lacks; nothing else about it changes."""
    session = client._session
    vars(session)["request"] = functools.partial(session.request, timeout=TIMEOUT)
    return client


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
