"""The one reading path: gaze files in, scanpaths with the place of their images out.

Commands, manifests and training read gaze here, with the same options, and so see the same numbers.
"""
