//! How long to wait before the next attempt.

use std::time::Duration;

/// Delays that double up to a cap, each drawn evenly from zero to the current bound (full jitter).
///
/// Full jitter spreads the instances of a service that lost the same server in the same instant;
/// see M. Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).
///
/// The bound starts over once nothing was asked for as long as the cap. A server that accepts a
/// connection and loses it at once therefore never draws attempts at full speed.
#[derive(Debug)]
pub(crate) struct Backoff {
    base: Duration,
    cap: Duration,
    bound: Duration,
    due: Duration,
}

impl Backoff {
    /// Creates delays bounded by `base` at first and by `cap` at last.
    pub(crate) const fn new(base: Duration, cap: Duration) -> Self {
        Self {
            base,
            cap,
            bound: base,
            due: Duration::ZERO,
        }
    }

    /// Returns the next delay; `now` is the time since a fixed origin, `random` lies in `0.0..1.0`.
    pub(crate) fn delay(&mut self, now: Duration, random: f64) -> Duration {
        if now.saturating_sub(self.due) >= self.cap {
            self.bound = self.base;
        }
        let delay = self.bound.mul_f64(random);
        self.bound = (self.bound * 2).min(self.cap);
        self.due = now + delay;
        delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn doubles_up_to_the_cap() {
        let mut backoff = Backoff::new(millis(50), millis(300));
        let mut now = millis(0);
        let mut delays = Vec::new();
        for _ in 0..5 {
            let delay = backoff.delay(now, 1.0);
            now += delay;
            delays.push(delay);
        }
        let expected = [50, 100, 200, 300, 300].map(millis);
        assert_eq!(delays, expected);
    }

    #[test]
    fn draws_from_zero_to_the_bound() {
        let mut backoff = Backoff::new(millis(200), millis(5_000));
        assert_eq!(backoff.delay(millis(0), 0.0), millis(0));
        assert_eq!(backoff.delay(millis(0), 0.25), millis(100));
    }

    #[test]
    fn starts_over_after_a_quiet_spell_as_long_as_the_cap() {
        let mut backoff = Backoff::new(millis(50), millis(400));
        backoff.delay(millis(0), 1.0);
        let second = backoff.delay(millis(50), 1.0);
        assert_eq!(second, millis(100));
        assert_eq!(backoff.delay(millis(150 + 399), 1.0), millis(200));
        assert_eq!(backoff.delay(millis(749 + 400), 1.0), millis(50));
    }
}
