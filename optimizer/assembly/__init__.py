"""From validated settings to the parts that run: the one place that knows every class by name."""
