"""Evaluate features: linear probes, fine-tuning, scores, tables and figures."""
