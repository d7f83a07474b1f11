//! What a limit says of itself: the same in every decision, so written once.

use std::time::Duration;

use http::HeaderValue;

use crate::Rule;
use crate::headers::{number, value};
use crate::time::whole_seconds;

/// The name and size of a limit, with what its headers always say.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    name: Box<str>,
    max: u32,
    window: Duration,
    policy: HeaderValue,
    state: Box<str>,
    quota: HeaderValue,
}

impl Terms {
    pub(crate) fn new(name: &str, rule: Rule) -> Self {
        let (max, window) = (rule.max(), rule.window());
        let seconds = whole_seconds(window);
        let policy = format!("\"{name}\";q={max};w={seconds}");
        Self {
            name: name.into(),
            max,
            window,
            policy: value(policy.into_bytes()),
            state: format!("\"{name}\";r=").into(),
            quota: number(max),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) const fn max(&self) -> u32 {
        self.max
    }

    pub(crate) const fn window(&self) -> Duration {
        self.window
    }

    /// The item of `RateLimit-Policy`.
    pub(crate) const fn policy(&self) -> &HeaderValue {
        &self.policy
    }

    /// How the item of `RateLimit` begins, up to what remains.
    pub(crate) const fn state(&self) -> &str {
        &self.state
    }

    /// The value of `X-RateLimit-Limit`.
    pub(crate) const fn quota(&self) -> &HeaderValue {
        &self.quota
    }
}
