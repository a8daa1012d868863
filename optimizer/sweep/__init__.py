"""Many backtests from one file: strategies, battery sizes, tariffs and homes, on all cores or on a cluster."""
