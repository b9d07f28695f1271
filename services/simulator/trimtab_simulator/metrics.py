"""What the simulator counts beside what every room counts."""

from __future__ import annotations

from trimtab_runtime.metrics import RoomMetrics


class SimulatorMetrics:
    """The simulator's own metrics, on the room's registry."""

    def __init__(self, room: RoomMetrics) -> None:
        self.requests = room.counter(
            "trimtab_simulator_requests_total", "Requests answered", "endpoint", "status"
        )
        self.request_seconds = room.histogram(
            "trimtab_simulator_request_seconds", "Time to answer a request"
        )
        self.rows_released = room.counter(
            "trimtab_simulator_rows_released_total", "Rows made public in this life"
        )
        self.rows_opened = room.gauge(
            "trimtab_simulator_opened_rows", "Rows at which orders were filled, over all lives"
        )
        self.sockets = room.gauge("trimtab_simulator_sockets", "Connected sockets", "kind")
        self.connections = room.counter(
            "trimtab_simulator_connections_total", "Sockets that were ever connected", "kind"
        )
        self.slow_clients = room.counter(
            "trimtab_simulator_slow_clients_total", "Sockets closed because nobody read", "kind"
        )
