"""
The most similar gaze of other images
=====================================

``neighbors`` keeps the best pairs without a dense matrix, so it scales to many scanpaths.
"""

import matplotlib.pyplot as plt

import gazesim

data = gazesim.phantom.phantom(400, seed=2)
graph = gazesim.neighbors(data.scanpaths, top_k=4, scheme="tima", sigma_px=3.0, eps=0.3)
print(f"{graph.nnz} of {graph.shape[0] ** 2} pairs are kept")

figure, axes = plt.subplots(2, 5, figsize=(11, 4.8))
for row, query in zip(axes, (data.labels == 1).nonzero()[0][[0, 3]], strict=True):
    start, end = graph.indptr[query : query + 2]
    others, values = graph.indices[start:end], graph.data[start:end]
    ranked = [
        (query, 1.0),
        *((o, v) for v, o in sorted(zip(values, others, strict=True), reverse=True) if o != query),
    ]
    for axis, (index, value) in zip(row, ranked, strict=False):
        path = data.scanpaths[index]
        axis.imshow(data.images[index], cmap="gray")
        axis.plot(path[:, 0], path[:, 1], "o-", color="tab:orange", markersize=3, linewidth=0.8)
        axis.set_title(f"{data.class_names[data.labels[index]]} {value:.2f}", fontsize=9)
    for axis in row:
        axis.set_axis_off()
