"""Everything verified before control is handed over: one check a function, each with what to do."""
