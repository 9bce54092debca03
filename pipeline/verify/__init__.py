"""Tags, modules and payloads are used or built again, and judged."""
