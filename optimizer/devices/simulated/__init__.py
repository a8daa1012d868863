"""A battery in a house, simulated: physics, the house around it, and a device that speaks to it in process."""
