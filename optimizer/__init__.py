"""sunshift: plans and commands a home PV battery."""
