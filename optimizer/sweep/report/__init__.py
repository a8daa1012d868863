"""The page of a sweep: what a bigger battery, another tariff, another strategy brings."""
