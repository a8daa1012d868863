"""From a planning problem to a plan and the value of stored energy."""
