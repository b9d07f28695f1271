"""Composition root: the only place in this room where real things are made."""

from __future__ import annotations

import time

from pydantic import SecretStr

from trimtab_alerting.adapters.apprise_channel import AppriseChannel
from trimtab_alerting.adapters.local_channels import FileChannel, LogChannel
from trimtab_alerting.adapters.outbox import SqliteOutbox
from trimtab_alerting.core.pipeline import Pipeline
from trimtab_alerting.core.routes import Routes
from trimtab_alerting.core.rules import AlertRules
from trimtab_alerting.delivery import Delivery
from trimtab_alerting.metrics import AlertingMetrics
from trimtab_alerting.ports import Channel
from trimtab_alerting.room import AlertingRoom
from trimtab_alerting.settings import Settings
from trimtab_runtime import config
from trimtab_runtime.delivery.life import Room
from trimtab_runtime.errors import ConfigError, Problem
from trimtab_runtime.health import HealthBoard
from trimtab_runtime.logs import Redactor
from trimtab_runtime.metrics import RoomMetrics


def build(settings: Settings, board: HealthBoard, metrics: RoomMetrics) -> Room:
    """Alerting, from its settings and config/alerts.yaml; raises ConfigError."""
    path = settings.config_dir / "alerts.yaml"
    rules = config.load(path, AlertRules)
    routes = Routes(rules.rules, settings.targets())
    if unknown := routes.unknown():
        raise ConfigError(
            Problem(
                place=str(path),
                key=f"channels of rule {rule}",
                expected="log, file, owner, or a name given in TRIMTAB_ALERT_URLS",
                found=repr(channel),
            )
            for rule, channel in unknown.items()
        )
    delivery = Delivery(
        SqliteOutbox(settings.at_home.outbox, time.time),
        _channels(settings),
        routes,
        mode=settings.mode.value,
        metrics=AlertingMetrics(metrics),
        now=time.time,
    )
    board.register("channels", delivery.complaint)
    return AlertingRoom(Pipeline(rules), delivery, now=time.time)


def _channels(settings: Settings) -> list[Channel]:
    redact = Redactor(settings.secrets())
    home = settings.at_home
    remote = [
        AppriseChannel(
            address.queue,
            SecretStr(address.url),
            allowed_networks=settings.alert_networks,
            redact=redact,
        )
        for address in settings.targets()
    ]
    return [LogChannel(), FileChannel(home.alerts_log, time.time), *remote]
