"""What speaks to a battery, behind one port."""
