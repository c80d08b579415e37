"""What tests share: helpers, makers of schedules and models, and the corpus."""
