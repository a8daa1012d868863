"""Everything between a wish that is allowed and a battery that does it: sent, read back, held on a lease, ended."""
