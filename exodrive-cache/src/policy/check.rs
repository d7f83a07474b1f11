//! What cannot work in a policy.

use http::HeaderName;

use super::CachePolicy;
use crate::error::Mistake;

impl CachePolicy {
    /// Resolves the header names and reports what cannot work.
    pub(crate) fn check(&self, name: &str, mistakes: &mut Vec<Mistake>) -> Vec<HeaderName> {
        if self.schedule.ttl.is_zero() && !self.is_transparent() {
            mistakes.push(Mistake::ZeroTtl {
                policy: name.into(),
            });
        }
        self.schedule.check(name, mistakes);
        for template in &self.tags {
            let is_known = |name: &&str| {
                let route = self.route.as_ref();
                route.is_some_and(|route| route.has_parameter(name))
            };
            if let Some(parameter) = template.parameters().find(|name| !is_known(name)) {
                mistakes.push(Mistake::UnknownParameter {
                    policy: name.into(),
                    parameter: parameter.into(),
                });
            }
        }
        let mut headers = Vec::with_capacity(self.headers.len());
        for header in &self.headers {
            match HeaderName::from_bytes(header.as_bytes()) {
                Ok(header) => headers.push(header),
                Err(_) => mistakes.push(Mistake::InvalidHeader {
                    policy: name.into(),
                    header: header.clone(),
                }),
            }
        }
        headers
    }
}
