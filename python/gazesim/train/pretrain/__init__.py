"""Contrastive pre-training: backbones, positive pairs, the four frameworks, optimisers, checkpoints."""
