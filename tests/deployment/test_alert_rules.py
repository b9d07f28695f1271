"""Every alert of rules.yml: when it calls, when it keeps quiet, and that it says what to do."""

import re
import shutil
import subprocess

import pytest
import yaml

from tests.deployment.monitoring import PROMETHEUS, RULES, labels_of
from trimtab.app import COMMANDS

INTERVAL = "15s"
LOUD = {
    "RoomDown": {'up{job="trimtab", room="risk"}': "0+0x40"},
    "RoomNotReady": {'trimtab_ready_status{room="ingest"}': "0+0x40"},
    "RoomUnwell": {
        'trimtab_health_status{room="ingest"}': "1+0x40",
        'trimtab_ready_status{room="ingest"}': "1+0x40",
    },
    "RoomKeepsRestarting": {'trimtab_generation{room="risk"}': "1+1x40"},
    "LagGrowing": {'trimtab_lag_seconds{room="risk", stream="bars"}': "0+15x40"},
    "DeadLetters": {'trimtab_dead_letters_total{room="risk", stream="bars"}': "0+0x30 1+0x10"},
    "ForcedMarks": {'trimtab_forced_marks_total{room="risk", stream="signals"}': "0+1x40"},
    "CommitSlow": {
        'trimtab_commit_seconds_bucket{room="risk", le="0.25"}': "0+0x40",
        'trimtab_commit_seconds_bucket{room="risk", le="1"}': "0+5x40",
        'trimtab_commit_seconds_bucket{room="risk", le="+Inf"}': "0+5x40",
    },
    "EventLoopSlow": {'trimtab_event_loop_lag_seconds{room="strategy"}': "0.8+0x40"},
    "FeedStale": {'trimtab_feed_connected_status{room="ingest", feed="iex"}': "0+0x40"},
    "StrategyFaults": {'trimtab_strategy_faults_total{strategy="mine"}': "0+0x30 2+0x10"},
    "OrdersRejected": {'trimtab_order_outcomes_total{outcome="rejected"}': "0+1x40"},
    "BooksDisagree": {'trimtab_reconciliation_mismatches{room="execution"}': "1+0x40"},
    "OrdersSlow": {
        'trimtab_order_latency_seconds_bucket{le="10"}': "0+0x80",
        'trimtab_order_latency_seconds_bucket{le="30"}': "0+5x80",
        'trimtab_order_latency_seconds_bucket{le="+Inf"}': "0+5x80",
    },
    "TradingHalted": {'trimtab_trading_state{room="risk"}': "2+0x80"},
    "AlertsUndelivered": {'trimtab_waiting_alerts{room="alerting", channel="phone"}': "3+0x80"},
}
QUIET = {
    "RoomDown": {
        'up{job="trimtab", room="simulator"}': "0+0x40",
        'up{job="trimtab", room="risk"}': "1+0x20 0+0x2 1+0x20",
    },
    "RoomNotReady": {'trimtab_ready_status{room="ingest"}': "0+0x6 1+0x40"},
    "RoomUnwell": {
        'trimtab_health_status{room="ingest"}': "1+0x15 0+0x25",
        'trimtab_ready_status{room="ingest"}': "1+0x40",
    },
    "RoomKeepsRestarting": {'trimtab_generation{room="risk"}': "1+0x10 2+0x10 3+0x20"},
    "LagGrowing": {
        'trimtab_lag_seconds{room="risk", stream="bars"}': "600-15x40",
        'trimtab_lag_seconds{room="risk", stream="fills"}': "0+0.5x40",
        'trimtab_lag_seconds{room="risk", stream="signals"}': "0+0x10 0+40x3 0+0x20",
    },
    "DeadLetters": {'trimtab_dead_letters_total{room="risk", stream="bars"}': "3+0x40"},
    "ForcedMarks": {'trimtab_forced_marks_total{room="risk", stream="signals"}': "0+0x20 2+0x20"},
    "CommitSlow": {
        'trimtab_commit_seconds_bucket{room="risk", le="0.25"}': "0+500x40",
        'trimtab_commit_seconds_bucket{room="risk", le="1"}': "0+501x40",
        'trimtab_commit_seconds_bucket{room="risk", le="+Inf"}': "0+501x40",
    },
    "EventLoopSlow": {'trimtab_event_loop_lag_seconds{room="strategy"}': "0+0x20 2+0x8 0+0x20"},
    "FeedStale": {
        'trimtab_feed_connected_status{room="ingest", feed="iex"}': "1+0x10 0+0x2 1+0x20",
        'trimtab_feed_outages_total{room="ingest", feed="iex"}': "4+0x40",
    },
    "StrategyFaults": {'trimtab_strategy_faults_total{strategy="mine"}': "2+0x40"},
    "OrdersRejected": {
        'trimtab_order_outcomes_total{outcome="rejected"}': "0+0x20 2+0x20",
        'trimtab_order_outcomes_total{outcome="cancelled"}': "0+9x40",
    },
    "BooksDisagree": {'trimtab_reconciliation_mismatches{room="execution"}': "0+0x20 1+0x4 0+0x20"},
    "OrdersSlow": {
        'trimtab_order_latency_seconds_bucket{le="10"}': "0+5x80",
        'trimtab_order_latency_seconds_bucket{le="30"}': "0+5x80",
        'trimtab_order_latency_seconds_bucket{le="+Inf"}': "0+5x80",
    },
    "TradingHalted": {'trimtab_trading_state{room="risk"}': "2+0x40 0+0x40"},
    "AlertsUndelivered": {
        'trimtab_waiting_alerts{room="alerting", channel="phone"}': "3+0x40 0x40"
    },
}
"""Alert → series that must, or must not, make it call: name → values every 15 seconds, each as
`first+step x times`."""

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None,
    reason="no promtool on this machine: apt-get install prometheus",
)
every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])


def outcome(folder, alert, series, *, calls):
    """What promtool says of a story in which the alert calls at some time, or at none."""
    firing = f'ALERTS{{alertname="{alert}", alertstate="firing"}}'
    expected = {
        "expr": f"sum(count_over_time({firing}[30m])) > bool 0",
        "eval_time": "20m",
        "exp_samples": [{"labels": "{}", "value": 1}] if calls else [],
    }
    told = [{"series": name, "values": values} for name, values in series.items()]
    story = {
        "rule_files": [str(PROMETHEUS / "rules.yml")],
        "evaluation_interval": INTERVAL,
        "tests": [
            {"interval": INTERVAL, "input_series": told, "promql_expr_test": [expected]},
        ],
    }
    file = folder / "story.yml"
    file.write_text(yaml.safe_dump(story))
    command = ["promtool", "test", "rules", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_alert_has_its_stories():
    names = {rule["alert"] for rule in RULES}
    assert len(names) == len(RULES)
    assert names == set(LOUD) == set(QUIET)


@needs_promtool
@pytest.mark.parametrize("alert", LOUD)
def test_an_alert_calls(tmp_path, alert):
    asked = outcome(tmp_path, alert, LOUD[alert], calls=True)
    assert asked.returncode == 0, asked.stdout + asked.stderr


@needs_promtool
@pytest.mark.parametrize("alert", QUIET)
def test_an_alert_keeps_quiet(tmp_path, alert):
    asked = outcome(tmp_path, alert, QUIET[alert], calls=False)
    assert asked.returncode == 0, asked.stdout + asked.stderr


@every_rule
def test_an_alert_says_what_it_means_and_what_to_do(rule):
    assert set(rule["annotations"]) == {"summary", "meaning", "action"}
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["meaning"].endswith(".")
    assert rule["annotations"]["action"].endswith(".")


@every_rule
def test_an_alert_names_labels_and_commands_that_exist(rule):
    text = " ".join(rule["annotations"].values())
    named = set(re.findall(r"\$labels\.(\w+)", text))
    assert named <= labels_of(rule["expr"])
    commands = {name for panel in COMMANDS.values() for name in panel} | {"dead"}
    assert set(re.findall(r"`trimtab ([\w-]+)", text)) <= commands
