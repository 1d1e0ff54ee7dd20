"""Standard benchmarks of neural arithmetic."""
