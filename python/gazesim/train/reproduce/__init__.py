"""The experiments of the papers: what they published, which cells a table has, and how these are run."""
