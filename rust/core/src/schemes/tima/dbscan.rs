//! DBSCAN (Ester et al. 1996) with scikit-learn's labels.

/// The number of a cluster.
pub type Cluster = u32;

/// Labels every point with its cluster, or with none where it is noise.
///
/// Clusters are numbered in the order of their first core point; a border point within reach of
/// several belongs to the first. The time grows with the square of the number of points; `go_on` is
/// called after each of them, and if it returns false, the labels are invalid.
pub fn labels(
    points: &[[f64; 3]],
    eps: f64,
    min_samples: usize,
    go_on: &mut dyn FnMut() -> bool,
) -> Vec<Option<Cluster>> {
    let near = |a: &[f64; 3], b: &[f64; 3]| {
        let squares = a.iter().zip(b).map(|(p, q)| (p - q) * (p - q));
        squares.sum::<f64>() <= eps * eps
    };
    let neighbours = |i: usize| (0..points.len()).filter(move |&j| near(&points[i], &points[j]));
    let core: Vec<bool> = (0..points.len())
        .map(|i| go_on() && neighbours(i).count() >= min_samples)
        .collect();

    let mut labels = vec![None; points.len()];
    let mut clusters = 0;
    let mut reached = Vec::new();
    for start in 0..points.len() {
        if labels[start].is_some() || !core[start] {
            continue;
        }
        labels[start] = Some(clusters);
        reached.push(start);
        while let Some(i) = reached.pop().filter(|_| go_on()) {
            for j in neighbours(i) {
                if labels[j].is_none() {
                    labels[j] = Some(clusters);
                    if core[j] {
                        reached.push(j);
                    }
                }
            }
        }
        clusters += 1;
    }
    labels
}
