use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::time::Instant;

/// How many refusals are logged in one [`WINDOW`].
const LOGGED: u32 = 10;
const WINDOW: Duration = Duration::from_secs(1);

/// Lets the first refusals of each second through, so that a flood of requests is no flood of log lines.
#[derive(Debug, Default)]
pub(crate) struct Sampler {
    window: Mutex<Window>,
}

#[derive(Debug, Default)]
struct Window {
    start: Option<Instant>,
    logged: u32,
    suppressed: u64,
}

impl Sampler {
    /// Whether to log this refusal: `Some` with the number left out since the last one logged.
    pub(crate) fn admit(&self, now: Instant) -> Option<u64> {
        // The counters are whole after every statement, so a panic elsewhere has not harmed them.
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        window.admit(now)
    }
}

impl Window {
    fn admit(&mut self, now: Instant) -> Option<u64> {
        let fresh = self
            .start
            .is_none_or(|start| now.saturating_duration_since(start) >= WINDOW);
        if fresh {
            self.start = Some(now);
            self.logged = 0;
        }
        if self.logged == LOGGED {
            self.suppressed += 1;
            return None;
        }
        self.logged += 1;
        Some(std::mem::take(&mut self.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_it_leaves_out_and_says_so_once() {
        let sampler = Sampler::default();
        let start = Instant::now();
        let admitted = (0..100).filter_map(|_| sampler.admit(start)).count();
        assert_eq!(admitted, LOGGED as usize);
        assert_eq!(sampler.admit(start + WINDOW), Some(90));
        assert_eq!(sampler.admit(start + WINDOW), Some(0));
    }

    #[test]
    fn survives_a_clock_that_goes_back() {
        let sampler = Sampler::default();
        let start = Instant::now();
        assert_eq!(sampler.admit(start + WINDOW), Some(0));
        assert_eq!(sampler.admit(start), Some(0));
    }
}
