"""GitHub Actions, as far as the workflows use it."""
