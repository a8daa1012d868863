"""The perfect-foresight bound: the exact optimum of a period known from the first interval to the last."""
