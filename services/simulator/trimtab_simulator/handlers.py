"""What the simulator answers to each request: the list of its endpoints.

The five endpoints of every room and the sockets (`/stream`, `/v2/iex`, `/v2/sip`,
`/v1beta3/crypto/us`) are served beside these.
"""

from __future__ import annotations

from collections.abc import Mapping

from trimtab_simulator.endpoints import account, control, data, orders, positions
from trimtab_simulator.endpoints.contract import Handler

HANDLERS: Mapping[str, Handler] = {
    "GET /v2/account": account.get_account,
    "GET /v2/account/configurations": account.get_configurations,
    "PATCH /v2/account/configurations": account.patch_refused,
    "GET /v2/account/activities": account.get_activities,
    "GET /v2/account/activities/{activity_type}": account.get_activities,
    "GET /v2/account/portfolio/history": account.get_history,
    "GET /v2/assets": account.get_assets,
    "GET /v2/assets/{name}": account.get_asset,
    "GET /v2/clock": account.get_clock,
    "GET /v2/calendar": account.get_calendar,
    "POST /v2/orders": orders.post_order,
    "GET /v2/orders": orders.get_orders,
    "DELETE /v2/orders": orders.delete_orders,
    "GET /v2/orders/{order_id}": orders.get_order,
    "DELETE /v2/orders/{order_id}": orders.delete_order,
    "PATCH /v2/orders/{order_id}": account.patch_refused,
    "GET /v2/orders:by_client_order_id": orders.get_order_by_client_order_id,
    "GET /v2/positions": positions.get_positions,
    "DELETE /v2/positions": positions.delete_positions,
    "GET /v2/positions/{name}": positions.get_position,
    "DELETE /v2/positions/{name}": positions.delete_position,
    "GET /v2/stocks/bars": data.get_stock_bars,
    "GET /v2/stocks/bars/latest": data.get_latest_stock_bars,
    "GET /v1beta3/crypto/us/bars": data.get_crypto_bars,
    "GET /v1beta3/crypto/us/latest/bars": data.get_latest_crypto_bars,
    "POST /control/open": control.post_open,
    "GET /control/state": control.get_state,
    "POST /control/stop": control.post_stop,
    "GET /control/log": control.get_log,
    "GET /control/faults": control.get_faults,
    "POST /control/faults": control.post_faults,
    "DELETE /control/faults": control.delete_faults,
    "POST /control/break/{sockets}": control.post_break,
    "POST /control/adjust": control.post_adjust,
}
