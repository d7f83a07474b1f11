//! Where chance comes from.

use std::fmt;
use std::sync::Arc;

/// A source of numbers from 0 up to but not including 1, each as likely.
#[derive(Clone, Default)]
pub(crate) struct Chance(Option<Arc<dyn Fn() -> f64 + Send + Sync>>);

impl Chance {
    pub(crate) fn from(source: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(source)))
    }

    pub(crate) fn draw(&self) -> f64 {
        match &self.0 {
            // What a caller's own source gives is brought into the range, so that nobody else has to check.
            Some(source) => source().clamp(0.0, 1.0 - f64::EPSILON / 2.0),
            None => fastrand::f64(),
        }
    }
}

impl fmt::Debug for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Some(_) => "given",
            None => "thread-local",
        })
    }
}
