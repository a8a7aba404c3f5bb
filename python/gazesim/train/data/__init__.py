"""From files to batches: manifests, public data sets, images and gaze read when used, two views of each."""
