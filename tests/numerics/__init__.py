"""The formulas in high precision, searches for the largest errors, and the tests that use them."""
