"""Against the real libraries. Run by name, with the extra `conformance`: ``pytest tests/conformance``."""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
