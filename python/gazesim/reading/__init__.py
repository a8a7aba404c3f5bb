"""Read gaze files as scanpaths with the places of their images.

Commands, manifests and training all read gaze here, with the same options, so they see the same numbers.
"""
