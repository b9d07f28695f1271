"""One atomic, fenced commit: everything that a batch of entries led to, or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from trimtab_common.events import Event, RowClosed, encode, family_of
from trimtab_runtime.delivery.inbox import Entry

KIND_BYTES_MAX = 200
DATA_BYTES_MAX = 100_000

# KEYS: the room's hash, the order record, the dead stream, the dead index.
# Returns 1, or 0 when another process has taken the room over.
SCRIPT = """
local stored = redis.call('HMGET', KEYS[1], 'generation', 'sequence')
if stored[1] ~= ARGV[1] or (stored[2] or '0') ~= ARGV[2] then return 0 end
local at = 3
local function take() at = at + 1 return ARGV[at - 1] end
for _ = 1, tonumber(take()) do
  redis.call('XADD', take(), '*', 'type', take(), 'data', take())
end
for _ = 1, tonumber(take()) do
  local stream, group, count = take(), take(), tonumber(take())
  redis.call('XACK', stream, group, unpack(ARGV, at, at + count - 1))
  at = at + count
end
for _ = 1, tonumber(take()) do
  local stream, entry, kind, data, room, reason = take(), take(), take(), take(), take(), take()
  if redis.call('SADD', KEYS[4], stream .. ' ' .. entry) == 1 then
    redis.call('XADD', KEYS[3], '*', 'stream', stream, 'entry', entry, 'type', kind,
      'data', data, 'room', room, 'reason', reason)
  end
end
local record = take()
local following = tostring(tonumber(ARGV[2]) + 1)
if record ~= '' then redis.call('XADD', KEYS[2], following .. '-0', 'runs', record) end
redis.call('HSET', KEYS[1], 'sequence', following, unpack(ARGV, at))
return 1
"""

# KEYS: the room's hash, a stream. Returns 1, or 0 when another process has taken the room over.
ANNOUNCEMENT = """
if redis.call('HGET', KEYS[1], 'generation') ~= ARGV[1] then return 0 end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', 'type', ARGV[3], 'data', ARGV[4])
return 1
"""


@dataclass
class Commit:
    """What one commit holds. Collect, then hand to the session."""

    outputs: list[Event] = field(default_factory=list)
    taken: dict[str, list[str]] = field(default_factory=dict)
    """Stream → the ids of its entries that are done with."""
    kinds: dict[str, list[type[Event | None]]] = field(default_factory=dict)
    """Stream → what those entries were, NoneType where they were stepped over unread."""
    marks: list[Entry] = field(default_factory=list)
    """The ends of rows among the entries that are done with."""
    forced: list[str] = field(default_factory=list)
    """The families that were not waited for any longer."""
    dead: list[Entry] = field(default_factory=list)
    """Entries that could not be processed; they go to `dead` with their reason."""
    runs: list[tuple[str, int]] = field(default_factory=list)
    """The order record: (family, count) in the order of taking; see `record`."""

    @property
    def size(self) -> int:
        return sum(len(entries) for entries in self.taken.values())

    def __bool__(self) -> bool:
        return bool(self.outputs or self.taken or self.runs)

    def take(self, entry: Entry) -> None:
        """The entry is done with once this commit applies."""
        self.taken.setdefault(entry.stream, []).append(entry.id)
        kind = type(entry.event)
        self.kinds.setdefault(entry.stream, []).append(kind)
        if kind is RowClosed:
            self.marks.append(entry)
        if entry.dead is not None:
            self.dead.append(entry)

    def record(self, family: str) -> None:
        """Note in the order record that an entry of the family was taken next."""
        if self.runs and self.runs[-1][0] == family:
            self.runs[-1] = (family, self.runs[-1][1] + 1)
        else:
            self.runs.append((family, 1))


def arguments(
    commit: Commit,
    *,
    generation: int,
    sequence: int,
    prefix: str,
    groups: Mapping[str, str],
    room: str,
    record: str,
    fields: Mapping[str, str | bytes],
) -> Sequence[str | bytes | int]:
    """The script's ARGV, flat."""
    flat: list[str | bytes | int] = [generation, sequence, len(commit.outputs)]
    for event in commit.outputs:
        flat += (prefix + family_of(event), *encode(event))
    flat.append(len(commit.taken))
    for stream, entries in commit.taken.items():
        flat += (stream, groups[stream], len(entries), *entries)
    flat.append(len(commit.dead))
    for entry in commit.dead:
        kind = entry.raw.get(b"type", b"")[:KIND_BYTES_MAX]
        data = entry.raw.get(b"data", b"")[:DATA_BYTES_MAX]
        flat += (entry.stream, entry.id, kind, data, room, entry.dead or "")
    flat.append(record)
    flat += _pairs(fields)
    return flat


def _pairs(fields: Mapping[str, str | bytes]) -> Iterable[str | bytes]:
    for name, value in fields.items():
        yield name
        yield value
