"""From a measurement and a plan to one safe setpoint."""
