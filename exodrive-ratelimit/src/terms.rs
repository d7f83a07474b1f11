//! What a limit says of itself: the same in every decision, so written once.

use std::time::Duration;

use http::HeaderValue;

use crate::Rule;
use crate::headers::Text;
use crate::time::whole_seconds;

/// The name and size of a limit, with what its headers always say.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    name: Box<str>,
    max: u32,
    window: Duration,
    policy: HeaderValue,
    quota: HeaderValue,
}

impl Terms {
    pub(crate) fn new(name: &str, rule: Rule) -> Self {
        let (max, window) = (rule.max(), rule.window());
        let mut policy = Text::default();
        policy
            .word("\"")
            .word(name)
            .word("\";q=")
            .number(max.into());
        policy.word(";w=").number(whole_seconds(window));
        Self {
            name: name.into(),
            max,
            window,
            policy: policy.to_value(),
            quota: Text::default().number(max.into()).to_value(),
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

    /// The value of `X-RateLimit-Limit`.
    pub(crate) const fn quota(&self) -> &HeaderValue {
        &self.quota
    }
}
