"""What an event means for the owner, decided without a clock, a network or a disk.

An event passes these stages: it is put into words (noted), matched with the rules, counted with
its like (memory), worded as an alert, and routed to channels. Whoever delivers it comes later.
"""
