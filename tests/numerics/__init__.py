"""The formulas in high precision, searches for where an evaluation errs most, and the tests that use them."""
