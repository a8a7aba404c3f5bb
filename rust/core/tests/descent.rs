//! Approximate neighbours: the trees that bring samples together, and the descent from them.

use gazesim_core::pairwise::{
    ByPairs, Descent, Kept, PairKernel, Rule, Saved, arrangement, neighbors, neighbors_by_descent,
    resumed_descent,
};

/// Points on a circle; the nearer, the more similar.
struct Circle(Vec<f32>);

impl PairKernel for Circle {
    type Output = f32;
    type Scratch = ();

    fn shape(&self) -> (usize, usize) {
        (self.0.len(), self.0.len())
    }

    fn estimated_ns(&self) -> f64 {
        1e9
    }

    fn scratch(&self) {}

    fn pair(&self, (): &mut (), i: usize, j: usize) -> f32 {
        let apart = (self.0[i] - self.0[j]).abs();
        1.0 - 2.0 * apart.min(1.0 - apart)
    }
}

/// Points in an order that says nothing about where they are.
fn circle(count: usize) -> ByPairs<Circle> {
    let golden = |i: usize| (i as f64 * 0.618_033_988_749_895).fract() as f32;
    ByPairs(Circle((0..count).map(golden).collect()))
}

fn descent(graph_k: usize) -> Descent {
    Descent {
        graph_k,
        seed: 3,
        queries: 50,
    }
}

#[test]
fn an_arrangement_has_every_sample_once_whatever_the_threads() {
    for count in [0, 1, 2, 96, 97, 193, 5000] {
        let kernel = circle(count);
        let order = arrangement(&kernel, &descent(4), 1, &mut |_| true).unwrap();
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..count as u32).collect::<Vec<_>>());
        assert_eq!(
            arrangement(&kernel, &descent(4), 5, &mut |_| true).unwrap(),
            order
        );
    }
}

#[test]
fn an_arrangement_brings_similar_samples_together() {
    let kernel = circle(5000);
    let order = arrangement(&kernel, &descent(4), 2, &mut |_| true).unwrap();
    let mean = |order: &[u32]| {
        let beside = order
            .windows(20)
            .map(|some| kernel.0.pair(&mut (), some[0] as usize, some[19] as usize));
        beside.sum::<f32>() / (order.len() - 19) as f32
    };
    let before: Vec<u32> = (0..5000).collect();
    assert!(mean(&before) < 0.7, "{}", mean(&before));
    assert!(mean(&order) > 0.9, "{}", mean(&order));
}

#[test]
fn the_neighbours_on_a_circle_are_found() {
    let (kernel, names) = (circle(3000), (0..3000).collect::<Vec<u32>>());
    let rule = Rule {
        threshold: 0.1,
        top_k: Some(4),
    };
    let found = neighbors_by_descent(&kernel, &names, rule, &descent(8), 2, &mut |_| true).unwrap();
    let exact = neighbors(&kernel, &names, rule, 2, &mut |_| true).unwrap();
    let same = found
        .neighbors
        .values
        .iter()
        .zip(&exact.values)
        .filter(|(a, b)| a == b)
        .count();
    assert!(found.recall > 0.95, "{}", found.recall);
    assert!(same > 11_000, "{same}");
    assert_eq!(found.queries, 50);
}

#[test]
fn a_search_that_goes_on_ends_as_if_it_had_not_been_interrupted() {
    let (kernel, names) = (circle(2000), (0..2000).collect::<Vec<u32>>());
    let rule = Rule {
        threshold: 0.1,
        top_k: Some(4),
    };
    let search = |saved: Option<&Saved>| {
        let mut graphs = Vec::new();
        let mut keep = |graph| {
            graphs.push(graph);
            Ok(())
        };
        let kept = Kept {
            saved,
            keep: Some(&mut keep),
        };
        let found = resumed_descent(&kernel, &names, rule, &descent(5), kept, 2, &mut |_| true).unwrap();
        (found, graphs)
    };
    let (whole, graphs) = search(None);
    assert_eq!(graphs.len(), whole.rounds + 1);
    for (round, graph) in graphs.iter().enumerate() {
        assert_eq!(graph.rounds, round);
        let (again, later) = search(Some(graph));
        assert_eq!(again, whole);
        assert_eq!(later.last().unwrap_or(graph), graphs.last().unwrap());
    }
    let mut other = graphs[0].clone();
    other.positions[7] = 2000;
    let kept = Kept {
        saved: Some(&other),
        keep: None,
    };
    let refused = resumed_descent(&kernel, &names, rule, &descent(5), kept, 2, &mut |_| true);
    assert!(refused.unwrap_err().to_string().contains("positions below 2000"));
}
