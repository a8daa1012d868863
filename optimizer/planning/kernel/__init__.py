"""The recursion's inner loop: from the costs of every interval backwards to the worth of stored energy."""
