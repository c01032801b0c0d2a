"""The report of a deployment: what crosses the link, why it is so, and what it costs."""
