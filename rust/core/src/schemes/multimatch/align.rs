//! The cheapest monotone path through a matrix of costs.

/// How two scanpaths are aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Alignment {
    /// One path, cheapest in shape, for all dimensions (Dewhurst et al. 2012).
    Joint,
    /// A path of its own for each dimension (McGIP).
    PerDimension,
}

/// Bits of the cells from which a cell is reached most cheaply.
const DIAGONAL: u8 = 1;
const DOWN: u8 = 2;
const RIGHT: u8 = 4;
/// Set on cells from which a cheapest path leads to the end.
const ON_CHEAPEST: u8 = 8;

/// Memory of an alignment, reused from pair to pair.
#[derive(Debug, Default)]
pub struct Path {
    /// Cost of the cheapest path to each cell of the current row.
    costs: Vec<f64>,
    /// The steps that lead into each cell, row by row; more than one where they tie.
    steps: Vec<u8>,
    /// The cells of the path, in no particular direction.
    pub cells: Vec<(usize, usize)>,
}

impl Path {
    /// Finds the cheapest path from (0, 0) to (`rows` − 1, `cols` − 1) with steps right, down and
    /// diagonal, where a path costs the sum of the cells that it *enters*; leaves its cells in
    /// `cells` and returns its cost.
    ///
    /// At the first step in which equally cheap paths differ, the diagonal is preferred, then down, then
    /// right. In most ties, multimatch_gaze's search also prefers steps from the start, not from the end.
    pub fn find(&mut self, rows: usize, cols: usize, cost: impl Fn(usize, usize) -> f64) -> f64 {
        self.steps.clear();
        self.steps.resize(rows * cols, RIGHT);
        self.costs.clear();
        self.costs.push(0.0);
        for j in 1..cols {
            self.costs.push(self.costs[j - 1] + cost(0, j));
        }
        for i in 1..rows {
            let steps = &mut self.steps[i * cols..][..cols];
            let mut above_left = self.costs[0];
            self.costs[0] += cost(i, 0);
            steps[0] = DOWN;
            for (j, chosen) in steps.iter_mut().enumerate().skip(1) {
                let (above, left) = (self.costs[j], self.costs[j - 1]);
                let best = above_left.min(above).min(left);
                *chosen = (u8::from(above_left == best) * DIAGONAL)
                    | (u8::from(above == best) * DOWN)
                    | (u8::from(left == best) * RIGHT);
                self.costs[j] = best + cost(i, j);
                above_left = above;
            }
        }
        if !self.trace_back(rows, cols) {
            self.trace_forward(rows, cols);
        }
        self.costs[cols - 1]
    }

    /// Collects the cells from the end to the start; false when it meets a tie.
    fn trace_back(&mut self, rows: usize, cols: usize) -> bool {
        self.cells.clear();
        let (mut i, mut j) = (rows - 1, cols - 1);
        self.cells.push((i, j));
        while (i, j) != (0, 0) {
            match self.steps[i * cols + j] {
                DIAGONAL => (i, j) = (i - 1, j - 1),
                DOWN => i -= 1,
                RIGHT => j -= 1,
                _ => return false,
            }
            self.cells.push((i, j));
        }
        true
    }

    /// Marks all cells on any cheapest path, then walks from the start to the end along the marks.
    fn trace_forward(&mut self, rows: usize, cols: usize) {
        self.steps[rows * cols - 1] |= ON_CHEAPEST;
        for cell in (1..rows * cols).rev() {
            let steps = self.steps[cell];
            if steps & ON_CHEAPEST != 0 {
                for (step, back) in [(DIAGONAL, cols + 1), (DOWN, cols), (RIGHT, 1)] {
                    if steps & step != 0 {
                        self.steps[cell - back] |= ON_CHEAPEST;
                    }
                }
            }
        }
        self.cells.clear();
        let (mut i, mut j) = (0, 0);
        self.cells.push((i, j));
        while (i, j) != (rows - 1, cols - 1) {
            let leads = |down: usize, right: usize, step: u8| {
                let (i, j) = (i + down, j + right);
                i < rows && j < cols && {
                    let steps = self.steps[i * cols + j];
                    steps & ON_CHEAPEST != 0 && steps & step != 0
                }
            };
            if leads(1, 1, DIAGONAL) {
                (i, j) = (i + 1, j + 1);
            } else if leads(1, 0, DOWN) || j + 1 == cols {
                i += 1; // without a mark (NaN among the costs), along the border
            } else {
                j += 1;
            }
            self.cells.push((i, j));
        }
    }
}
