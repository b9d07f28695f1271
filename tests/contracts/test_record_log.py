"""What every record log promises, on disk and in a test."""

import resource
from contextlib import contextmanager

import pytest

from tests.simulators import MemoryLog
from trimtab_simulator.adapters.record_log import FileRecordLog, Unreadable
from trimtab_simulator.ports import RecordLog

RECORDS = [
    {"kind": "market", "source": "a test"},
    {"kind": "order", "client_order_id": "ein Auftrag ü", "quantity": "0.000000001"},
    {"kind": "open", "row": "2024-01-02T14:31:00Z"},
]


@pytest.fixture(params=["file", "memory"])
def make_log(request, tmp_path):
    """A function that opens the same log again and again."""
    memory = MemoryLog()
    opened: list[FileRecordLog] = []

    def make() -> RecordLog:
        if request.param == "memory":
            return memory
        while opened:
            opened.pop().close()
        opened.append(FileRecordLog(tmp_path / "log"))
        return opened[0]

    yield make
    while opened:
        opened.pop().close()


def test_a_new_log_is_empty(make_log):
    assert list(make_log().read()) == []


def test_what_was_appended_is_read_back_in_order(make_log):
    log = make_log()
    for record in RECORDS:
        log.append(record)
    assert list(log.read()) == RECORDS


def test_another_life_reads_it_and_goes_on(make_log):
    make_log().append(RECORDS[0])
    again = make_log()
    assert list(again.read()) == RECORDS[:1]
    again.append(RECORDS[1])
    assert list(make_log().read()) == RECORDS[:2]


def on_disk(tmp_path, content):
    (tmp_path / "exchange.jsonl").write_bytes(content)
    return FileRecordLog(tmp_path)


@pytest.mark.parametrize("tail", [b'{"kind":"op', b"{", b'{"kind":"open"}'])
def test_a_last_line_without_its_end_was_never_answered_and_goes(tmp_path, tail):
    log = on_disk(tmp_path, b'{"kind":"market"}\n' + tail)
    assert list(log.read()) == [{"kind": "market"}]
    log.append({"kind": "order"})
    assert list(log.read()) == [{"kind": "market"}, {"kind": "order"}]
    log.close()


def test_a_broken_line_in_the_middle_stops_the_start(tmp_path):
    log = on_disk(tmp_path, b'{"kind":"market"}\n{"kind":\n{"kind":"open"}\n')
    with pytest.raises(Unreadable, match=r"exchange\.jsonl: line 2 is no record"):
        list(log.read())
    log.close()


def test_only_its_owner_can_read_it(tmp_path):
    log = FileRecordLog(tmp_path / "log")
    assert log.path.stat().st_mode & 0o077 == 0
    log.close()


@contextmanager
def files_of_at_most(size):
    """No file may grow beyond so many bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_record_that_found_no_room_leaves_no_half_a_line(tmp_path):
    log = FileRecordLog(tmp_path / "log")
    log.append(RECORDS[0])
    size = log.path.stat().st_size
    with files_of_at_most(size + 10), pytest.raises(OSError, match="only 10 of"):
        log.append(RECORDS[1])
    log.append(RECORDS[2])
    assert list(log.read()) == [RECORDS[0], RECORDS[2]]
    log.close()
