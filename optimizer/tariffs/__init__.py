"""The price of every interval, as far as it is known."""
