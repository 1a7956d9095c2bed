//! Time that other programs disturb as little as possible.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// What a stopwatch counts.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Clock {
    /// Time that this thread has a processor, on Linux, which counts it in steps of some milliseconds. Elsewhere as `Wall`.
    #[allow(dead_code, reason = "not in every benchmark")]
    Thread,
    Wall,
}

impl Clock {
    #[allow(dead_code, reason = "not in every benchmark")]
    pub(crate) fn for_threads(threads: usize) -> Self {
        if threads == 1 {
            Self::Thread
        } else {
            Self::Wall
        }
    }
}

/// Seconds that `work` takes.
pub(crate) fn time<T>(clock: Clock, work: impl FnOnce() -> T) -> f64 {
    let (start, wall) = (now(clock), Instant::now());
    black_box(work());
    let elapsed = match (start, now(clock)) {
        (Some(start), Some(end)) => end - start,
        _ => wall.elapsed(),
    };
    elapsed.as_secs_f64()
}

/// The mean of what a thread needs, as its steps are coarse, and the median of wall time.
#[allow(dead_code, reason = "not in every benchmark")]
pub(crate) fn average(clock: Clock, times: &[f64]) -> f64 {
    if clock == Clock::Thread {
        return times.iter().sum::<f64>() / times.len() as f64;
    }
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn now(clock: Clock) -> Option<Duration> {
    if clock == Clock::Wall {
        return None;
    }
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds = text.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}
