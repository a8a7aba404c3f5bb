"""The gaze-map predictor (a U-Net) and the scores of its maps."""
