//! From how much work on threads pay: the same tasks on the calling thread and on a pool of two, in turns.
//!
//! Prints one JSON line per amount of work, with the median ratio of neighbouring rounds and the shortest times, and
//! first what a pool without work costs, beside two standard threads.

use std::hint::black_box;
use std::time::Instant;

use gazesim_core::parallel::{BREAK_EVEN_NS, run};

const ROUNDS: usize = 301;
const TASKS: usize = 32;
const THREADS: usize = 2;

/// Square roots one after the other: about 5 ns each, whatever else the processor does.
fn work(steps: usize) {
    let mut number = 2.0_f64;
    for _ in 0..steps {
        number = (number + 1.0).sqrt();
    }
    black_box(number);
}

fn microseconds(of: impl FnOnce()) -> f64 {
    let start = Instant::now();
    of();
    start.elapsed().as_secs_f64() * 1e6
}

fn call(estimated_ns: f64, steps: usize) -> f64 {
    microseconds(|| {
        let done = run(
            TASKS,
            THREADS,
            estimated_ns,
            &mut |_| true,
            || (),
            |(), _, _| work(steps),
        );
        black_box(done.is_ok());
    })
}

fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

fn main() {
    let mut pool: Vec<f64> = (0..ROUNDS).map(|_| call(BREAK_EVEN_NS, 0)).collect();
    let standard = || {
        microseconds(|| {
            std::thread::scope(|scope| {
                (0..THREADS).for_each(|_| {
                    scope.spawn(|| ());
                });
            });
        })
    };
    let mut standard: Vec<f64> = (0..ROUNDS).map(|_| standard()).collect();
    println!(
        "{{\"pool_us\": {:.1}, \"standard_threads_us\": {:.1}}}",
        median(&mut pool),
        median(&mut standard)
    );
    for steps in [300, 600, 900, 1200, 1800, 2400, 3600, 4800, 7200, 9600, 19_200] {
        let (mut ratios, mut alone, mut shared) = (Vec::new(), f64::INFINITY, f64::INFINITY);
        for _ in 0..ROUNDS {
            let (one, two) = (call(0.0, steps), call(BREAK_EVEN_NS, steps));
            ratios.push(two / one);
            (alone, shared) = (alone.min(one), shared.min(two));
        }
        println!(
            "{{\"alone_us\": {alone:.1}, \"on_{THREADS}_threads_us\": {shared:.1}, \"median_ratio\": {:.3}}}",
            median(&mut ratios)
        );
    }
}
