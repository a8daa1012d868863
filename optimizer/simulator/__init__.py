"""The simulated battery's HTTP face, with fault scripts and a log of every request."""
