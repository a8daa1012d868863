"""The report: one self-contained page that shows at once what was saved and why."""
