"""What is done for people who train with mlx-lm: its counting told, its schedules named, its runs resumed."""
