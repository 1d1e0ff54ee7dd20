"""numerate: neural arithmetic that is exact, extrapolates, and is fast enough to trust."""
