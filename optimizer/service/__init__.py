"""The daemon: the control loop and its jobs on the wall clock."""
