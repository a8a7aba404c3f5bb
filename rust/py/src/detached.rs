//! Long work without the GIL: the number of threads, and how Ctrl-C interrupts it.

use gazesim_core::Error;
use gazesim_core::parallel::{Poll, available_threads};
use pyo3::prelude::*;

use crate::errors::OrRaise;
use crate::level;

/// The number of threads to use: as requested, else `GAZESIM_NUM_THREADS`, else the cores that are available to the
/// process.
fn thread_count(requested: Option<usize>) -> gazesim_core::Result<usize> {
    if let Some(threads) = requested {
        return match threads {
            0 => Err(Error::argument("n_threads", 0, "at least 1")),
            _ => Ok(threads),
        };
    }
    match std::env::var("GAZESIM_NUM_THREADS") {
        Ok(text) if !text.trim().is_empty() => match text.trim().parse::<usize>() {
            Ok(threads) if threads > 0 => Ok(threads),
            _ => Err(Error::argument(
                "the environment variable GAZESIM_NUM_THREADS",
                format!("{text:?}"),
                "a whole number of at least 1",
            )),
        },
        _ => Ok(available_threads()),
    }
}

/// One call of core: its threads, and the Python callable for its progress.
pub struct Call {
    threads: usize,
    progress: Option<Py<PyAny>>,
}

impl Call {
    /// A call on `n_threads` threads, or the default number, at the level that the environment allows.
    pub fn new(n_threads: Option<usize>, progress: Option<Py<PyAny>>) -> PyResult<Self> {
        level::follow_environment().or_raise()?;
        let threads = thread_count(n_threads).or_raise()?;
        Ok(Self { threads, progress })
    }

    /// Runs `work(threads, poll)` with the GIL released.
    ///
    /// Whenever core polls, pending signals are handled and `progress` is told the number of units done; an exception
    /// from either ends the work and is raised here.
    pub fn run<T: Send>(
        self,
        py: Python<'_>,
        work: impl FnOnce(usize, Poll) -> gazesim_core::Result<T> + Send,
    ) -> PyResult<T> {
        let Self { threads, progress } = self;
        let mut raised = None;
        let mut poll = |done: u64| {
            Python::attach(|py| {
                let heard = py.check_signals().and_then(|()| match &progress {
                    Some(report) => report.call1(py, (done,)).map(drop),
                    None => Ok(()),
                });
                heard.map_err(|error| raised = Some(error)).is_ok()
            })
        };
        let result = py.detach(|| work(threads, &mut poll));
        match raised {
            Some(error) => Err(error),
            None => result.or_raise(),
        }
    }
}
