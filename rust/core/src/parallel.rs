//! The only place that starts threads: how many, when it pays, and how a long call is interrupted.
//!
//! Every call builds a rayon pool of its own and ends it before it returns. Nothing outlives the call, so a process that
//! forks afterwards (PyTorch's DataLoader does) inherits no half-dead pool, and no lock is held by a thread that the
//! child does not have; rayon's global pool is never touched. Building a pool takes 50 to 80 µs, which is why work
//! below [`BREAK_EVEN_NS`] stays on the calling thread.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::{Error, Result};

/// Estimated work, in nanoseconds, below which threads cost more than they save.
pub const BREAK_EVEN_NS: f64 = 600_000.0;

/// How long the calling thread sleeps between two calls of [`Poll`].
const POLL_INTERVAL: Duration = Duration::from_millis(40);

/// More threads than this are never started.
pub const MAX_THREADS: usize = 1024;

/// Address space of one thread: the standard library's stack of 2 MiB, its guard and the stack of its signal handler.
const STACK_AND_GUARDS: usize = (2 << 20) + (64 << 10);

/// What glibc reserves for a heap, and how many heaps it opens per core before threads share them.
const HEAP: usize = 64 << 20;
const HEAPS_PER_CORE: usize = 8;

/// Left for the work itself. Above 32 MiB, so that asking for it never moves the size from which glibc maps memory.
const ROOM_TO_WORK: usize = 48 << 20;

/// The number of cores that are available to this process, at least 1.
pub fn available_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Shared by the workers of one call: the progress, and whether to stop.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicU64,
    stop: AtomicBool,
}

impl Progress {
    /// Reports finished units of work; false when the caller wants to stop.
    pub fn advance(&self, units: u64) -> bool {
        self.done.fetch_add(units, Ordering::Relaxed);
        self.goes_on()
    }

    /// Whether the caller has not asked to stop.
    pub fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }
}

/// Called every few dozen milliseconds on the calling thread with the finished units of work;
/// returns whether to go on.
pub type Poll<'a> = &'a mut dyn FnMut(u64) -> bool;

/// Runs `work(scratch, task, progress)` for every task in `0..tasks`, each thread with a scratch of its own.
///
/// Tasks are handed out in order as threads become free, so results must not depend on which thread runs which task.
/// Work estimated below [`BREAK_EVEN_NS`] runs on the calling thread without polling. Otherwise `threads` threads, at
/// most [`MAX_THREADS`], do the work while the calling thread polls; where the system has no more threads to give,
/// fewer. Returns the scratches, for callers that gather results in them.
///
/// # Errors
/// [`Error::Interrupted`] where `poll` says no, [`Error::Internal`] where `work` or `scratch` panics.
pub fn run<S: Send>(
    tasks: usize,
    threads: usize,
    estimated_ns: f64,
    poll: Poll,
    scratch: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize, &Progress) + Sync,
) -> Result<Vec<S>> {
    let progress = Progress::default();
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut own = scratch();
        loop {
            let task = next.fetch_add(1, Ordering::Relaxed);
            if task >= tasks || !progress.goes_on() {
                return own;
            }
            work(&mut own, task, &progress);
        }
    };
    if estimated_ns < BREAK_EVEN_NS {
        return Ok(vec![caught(&worker)?]);
    }
    let mut threads = threads.clamp(1, tasks.clamp(1, MAX_THREADS));
    while threads > 1 && !fits(threads) {
        threads /= 2;
    }
    loop {
        let pool = ThreadPoolBuilder::new().num_threads(threads);
        let done = pool.build_scoped(
            |thread| thread.run(),
            |pool| broadcast(pool, threads, &worker, &progress, poll),
        );
        match done {
            Ok(scratches) if progress.goes_on() => return scratches,
            Ok(scratches) => return scratches.and(Err(Error::Interrupted)),
            // The system has no more threads to give.
            Err(_) if threads > 1 => threads /= 2,
            Err(_) => return Ok(vec![caught(&worker)?]),
        }
    }
}

/// Whether the address space that is left holds what `threads` threads take, and some room to work in.
///
/// A thread that meets the limit while it starts cannot report it: its first small allocation ends the process. So
/// the whole is asked for before the first thread starts, in one piece that is never touched and given back at once.
/// Only Linux limits address space (`ulimit -v`, many schedulers of clusters); elsewhere the answer is yes.
fn fits(threads: usize) -> bool {
    if !cfg!(all(target_os = "linux", target_pointer_width = "64")) {
        return true;
    }
    let heaps = threads.min(HEAPS_PER_CORE * available_threads());
    let bytes = ROOM_TO_WORK + threads * STACK_AND_GUARDS + heaps * HEAP;
    let mut room = Vec::<u8>::new();
    let fits = room.try_reserve_exact(bytes).is_ok();
    std::hint::black_box(room); // or the compiler leaves out the allocation and calls it a success
    fits
}

/// Runs `worker` once on each of the pool's threads, polling meanwhile, and returns what the workers return.
fn broadcast<S: Send>(
    pool: &ThreadPool,
    threads: usize,
    worker: &(impl Fn() -> S + Sync),
    progress: &Progress,
    poll: Poll,
) -> Result<Vec<S>> {
    let ended = Mutex::new(Vec::with_capacity(threads));
    let one_ended = Condvar::new();
    pool.in_place_scope(|scope| {
        scope.spawn_broadcast(|_, _| {
            // The panic is caught, so every worker is counted and the calling thread does not wait for ever.
            let end = caught(worker);
            lock(&ended).push(end);
            one_ended.notify_one();
        });
        let mut workers = lock(&ended);
        while workers.len() < threads {
            let (guard, timeout) = one_ended
                .wait_timeout(workers, POLL_INTERVAL)
                .unwrap_or_else(PoisonError::into_inner);
            if guard.len() < threads && timeout.timed_out() {
                drop(guard);
                if !poll(progress.done.load(Ordering::Relaxed)) {
                    progress.stop.store(true, Ordering::Relaxed);
                }
                workers = lock(&ended);
            } else {
                workers = guard;
            }
        }
    });
    let ends = ended.into_inner().unwrap_or_else(PoisonError::into_inner);
    ends.into_iter().collect()
}

/// What `work` returns, or its panic as an error.
fn caught<S>(work: &impl Fn() -> S) -> Result<S> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|cause| Error::Internal(describe(&*cause)))
}

/// Computes `compute(task)` for every task in `0..tasks`, in parallel, and returns the results in
/// order.
pub fn map<T: Send>(
    tasks: usize,
    threads: usize,
    estimated_ns: f64,
    poll: Poll,
    compute: impl Fn(usize) -> T + Sync,
) -> Result<Vec<T>> {
    map_long(tasks, threads, estimated_ns, poll, |task, _| compute(task))
}

/// As [`map`], for long tasks: they check [`Progress::goes_on`] from time to time; results after a false are
/// discarded.
pub fn map_long<T: Send>(
    tasks: usize,
    threads: usize,
    estimated_ns: f64,
    poll: Poll,
    compute: impl Fn(usize, &Progress) -> T + Sync,
) -> Result<Vec<T>> {
    let parts = run(
        tasks,
        threads,
        estimated_ns,
        poll,
        Vec::new,
        |part, task, progress| {
            part.push((task, compute(task, progress)));
            progress.advance(1);
        },
    )?;
    let mut results: Vec<(usize, T)> = parts.into_iter().flatten().collect();
    results.sort_unstable_by_key(|(task, _)| *task);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn describe(cause: &(dyn Any + Send)) -> String {
    cause
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| cause.downcast_ref::<&str>().map(ToString::to_string))
        .unwrap_or_else(|| "a panic without a message".into())
}
