"""What people see of a tag: notes, SBOM, sizes, GitHub releases, update pull requests."""
