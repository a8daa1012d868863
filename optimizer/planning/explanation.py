"""A weighing in words: what is done, the prices it was weighed on, and what doing otherwise would have cost."""

from __future__ import annotations

from collections.abc import Callable

from optimizer.planning.dispatch import Dispatch
from optimizer.planning.present import NO_POWER_W, TIE, Regime


def explain(weighed: Dispatch, *, currency: str = "EUR") -> str:
    """Return the reason a person reads, with its numbers.

    Examples
    --------
    ``covers 1.9 kW of the house: import costs 0.42, a stored kWh is worth 0.31 later; idling would cost
    0.05 EUR more in the next 15 min``
    """
    return f"{_ACTIONS[weighed.regime](weighed)}: {_prices(weighed)}{_otherwise(weighed, currency)}"


def _kw(power_w: float) -> str:
    """Return a power as a person says it; one that would read 0.0 kW in watts."""
    return f"{abs(power_w):.0f} W" if abs(power_w) < 95.0 else f"{abs(power_w) / 1000:.1f} kW"


def _at_the_edge(weighed: Dispatch) -> str:
    """Return why a rule that asks for power comes to none; empty: house and sun ask for none."""
    present = weighed.present
    if present.net_load_w > NO_POWER_W:
        why = f"nothing is to be drawn at {present.soc:.0%}" if present.discharge_allowed else "the battery forbids it"
        return f"cannot cover the house, {why}"
    if present.net_load_w < -NO_POWER_W:
        return f"cannot store the surplus, nothing more is to be charged at {present.soc:.0%}"
    return ""


def _follows(weighed: Dispatch) -> str:
    if weighed.battery_power_w > 0:
        return f"stores {_kw(weighed.battery_power_w)} of surplus"
    if weighed.battery_power_w < 0:
        return f"covers {_kw(weighed.battery_power_w)} of the house"
    return _at_the_edge(weighed) or "stores surplus and covers the house as they come"


def _stores(weighed: Dispatch) -> str:
    if weighed.battery_power_w > 0:
        return f"stores {_kw(weighed.battery_power_w)} of surplus"
    if weighed.present.net_load_w < 0:
        return _at_the_edge(weighed) or "would store surplus"
    return "keeps its energy, would store surplus"


def _covers(weighed: Dispatch) -> str:
    if weighed.battery_power_w < 0:
        return f"covers {_kw(weighed.battery_power_w)} of the house"
    if weighed.present.net_load_w > 0:
        return _at_the_edge(weighed) or "would cover the house"
    return "leaves the surplus to the grid"


_ACTIONS: dict[Regime, Callable[[Dispatch], str]] = {
    Regime.SELF_CONSUMPTION: _follows,
    Regime.STORE_SURPLUS_ONLY: _stores,
    Regime.COVER_HOUSE_ONLY: _covers,
    Regime.HOLD: lambda _: "holds",
    Regime.STORE_PARTLY: lambda it: f"stores {_kw(it.battery_power_w)}, a part of the surplus",
    Regime.COVER_PARTLY: lambda it: f"covers {_kw(it.battery_power_w)}, a part of the house",
    Regime.GRID_CHARGE: lambda it: f"charges {_kw(it.battery_power_w)}, also from the grid",
    Regime.BATTERY_EXPORT: lambda it: f"discharges {_kw(it.battery_power_w)}, also into the grid",
}


def _prices(weighed: Dispatch) -> str:
    present = weighed.present
    discharging = weighed.battery_power_w < 0 or (weighed.battery_power_w == 0 and present.net_load_w > 0)
    worth = weighed.loss_per_kwh if discharging else weighed.gain_per_kwh
    later = f"a stored kWh is worth {worth:.2f} later{_with_losses(weighed)}"
    imports = f"import costs {present.import_price_per_kwh:.2f}"
    exports = f"feed-in pays {present.export_price_per_kwh:.2f}"
    if weighed.regime is Regime.GRID_CHARGE:
        return f"{imports}, {later}"
    if weighed.regime is Regime.BATTERY_EXPORT:
        return f"{exports}, {later}"
    return f"{imports if present.net_load_w > 0 else exports}, {later}"


def _with_losses(weighed: Dispatch) -> str:
    """Return what drawing a kWh really gives up, where the bare prices alone would seem to speak for drawing it."""
    present = weighed.present
    keeps = weighed.battery_power_w == 0 and not weighed.regime.covers_house and present.net_load_w > NO_POWER_W
    cost = weighed.drawn_cost_per_kwh
    if not keeps or not weighed.loss_per_kwh <= present.import_price_per_kwh < cost:
        return ""
    return f" ({cost:.3f} with what drawing it loses and wears)"


def _otherwise(weighed: Dispatch, currency: str) -> str:
    minutes = round(60 * weighed.present.hours)
    span = f"in the next {minutes} min" if minutes >= 1 else "until the interval ends"
    extra = {
        "idling": weighed.idle_cost - weighed.cost,
        "plain self-consumption": weighed.self_consumption_cost - weighed.cost,
    }
    told = [f"{name} would cost {more:.2f} {currency} more" for name, more in extra.items() if more >= 0.005]
    if told:
        return f"; {', '.join(told)} {span}"
    if max(extra.values()) > TIE:
        return f"; doing otherwise would cost less than a cent more {span}"
    return ""
