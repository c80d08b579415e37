"""Code that tests share: helpers, generators of schedules and models, and the corpus."""
