"""What features are worth: linear probes, fine-tuning, scores, tables and figures."""
