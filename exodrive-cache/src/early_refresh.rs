//! When a fresh entry is replaced before its time is over.

use std::time::Duration;

/// The largest `-ln(1 - chance)` that a chance below 1 can give: with 53 bits, about 36.7.
const MAX_DRAW: f64 = 37.0;

/// One request's draw of whether it refreshes an entry early, after A. Vattani, F. Chierichetti and
/// K. Lowenstein, "Optimal Probabilistic Cache Stampede Prevention" (2015), whose name for it is `XFetch`.
///
/// Each request draws how far ahead it looks, from an exponential distribution whose mean is the time
/// that the handler takes times `beta`. An entry that is asked for often is thus replaced about when
/// its replacement would otherwise be waited for, one that is hardly asked for stays until its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EarlyRefresh {
    pub(crate) beta: f64,
    /// At least 0 and below 1, each as likely.
    pub(crate) chance: f64,
}

impl EarlyRefresh {
    /// Returns whether to replace an entry that stays fresh for `remaining` and took `fill_time` to make.
    pub(crate) fn is_due(&self, remaining: Duration, fill_time: Duration) -> bool {
        let remaining = remaining.as_secs_f64();
        let mean = fill_time.as_secs_f64() * self.beta;
        // Far from its end, which is nearly always, a hit does without the logarithm.
        remaining < mean * MAX_DRAW && remaining < mean * -(1.0 - self.chance).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn is_due(beta: f64, chance: f64, remaining: Duration) -> bool {
        EarlyRefresh { beta, chance }.is_due(remaining, SECOND)
    }

    #[test]
    fn looks_further_ahead_the_luckier_the_draw() {
        // -ln(1 - 0.5) is 0.69, -ln(1 - 0.99) is 4.6.
        assert!(is_due(1.0, 0.5, SECOND.mul_f64(0.69)));
        assert!(!is_due(1.0, 0.5, SECOND.mul_f64(0.70)));
        assert!(is_due(1.0, 0.99, SECOND.mul_f64(4.6)));
        assert!(!is_due(1.0, 0.99, SECOND.mul_f64(4.7)));
        assert!(is_due(2.0, 0.5, SECOND.mul_f64(1.38)));
    }

    #[test]
    fn never_looks_ahead_without_a_reason() {
        let almost = 1.0 - f64::EPSILON / 2.0;
        assert!(!is_due(0.0, almost, Duration::from_nanos(1)));
        assert!(!is_due(1.0, 0.0, Duration::from_nanos(1)));
        assert!(!is_due(1.0, almost, SECOND.mul_f64(MAX_DRAW)));
        let instant = EarlyRefresh {
            beta: 1.0,
            chance: almost,
        };
        assert!(!instant.is_due(Duration::from_nanos(1), Duration::ZERO));
    }

    /// With one request in each mean time, about one refresh happens before the end.
    #[test]
    fn looks_ahead_by_the_handlers_time_on_average() {
        let draws = 1000;
        let due = (0..draws).filter(|n| is_due(1.0, f64::from(*n) / f64::from(draws), SECOND));
        // 1 / e of them.
        assert_eq!(due.count(), 367);
    }
}
