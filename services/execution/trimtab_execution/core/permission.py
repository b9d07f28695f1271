"""Whether an order may leave, asked right before it does and not before."""

from __future__ import annotations

from collections.abc import Sequence

from trimtab_common.events import OrderApproved
from trimtab_common.symbols import Symbol
from trimtab_execution.core.clock import BrokerClock
from trimtab_execution.ports import Switch


class Permission:
    """Everything that can forbid a submission. Cancels are never forbidden."""

    def __init__(self, switches: Sequence[Switch], clock: BrokerClock, *, simulated: bool) -> None:
        self.doubtful_symbols: frozenset[Symbol] = frozenset()
        """The books differ on their positions."""
        self.account_trouble: str | None = None
        """The account is blocked, or is not the one of the books."""
        self._switches = switches
        self._clock = clock
        self._simulated = simulated

    def veto(self, order: OrderApproved) -> str | None:
        """Why the order must not leave now, None while it may. Read by several threads."""
        for switch in self._switches:
            reason = switch.halted()
            if reason is not None:
                return reason
        if order.symbol in self.doubtful_symbols:
            return f"the broker's books and ours differ on the position in {order.symbol}"
        if self.account_trouble is not None:
            return self.account_trouble
        if not self._simulated and self._clock() > order.valid_until:
            return "past its time"
        return self._clock.complaint
