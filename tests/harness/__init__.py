"""What runs the product: projects, Go, other systems."""
