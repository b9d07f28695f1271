"""How entries travel: groups, inboxes, fenced commits, recovery, dead letters.

FastStream carries the subscriptions; a handler only validates entries and puts them into the inbox
of their stream. One loop per room takes them in order and commits what came of them in one atomic
script: outputs, acknowledgements, cursors, sequence number, order record and, now and then, the
state. A commit applies only if the room's stored (generation, sequence) is the one this process
expects, so a process that was replaced while it slept can do no harm. Any commit error ends the
process; the next one loads the state, re-folds the order record up to the cursor in silence, and
reads on. Nothing is lost and nothing is doubled by a kill at any moment.
"""
