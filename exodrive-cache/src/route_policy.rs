//! A policy under its name, with everything resolved that can be resolved once.

use std::sync::Arc;

use http::request::Parts;
use http::{HeaderName, Response};

use crate::admission::Admitted;
use crate::cache_control::CacheControl;
use crate::chance::Chance;
use crate::decision::{CacheDecision, Outcome};
use crate::early_refresh::EarlyRefresh;
use crate::limits::Limits;
use crate::policy::CachePolicy;
use crate::target;
use crate::{CacheKey, Tag};

#[derive(Debug)]
pub(crate) struct RoutePolicy {
    pub(crate) name: Arc<str>,
    pub(crate) policy: CachePolicy,
    pub(crate) headers: Vec<HeaderName>,
    pub(crate) limits: Limits,
}

impl RoutePolicy {
    pub(crate) fn key(&self, request: &Parts, admitted: &Admitted<'_>) -> CacheKey {
        CacheKey::new(&self.name, &self.policy, &self.headers, request, admitted)
    }

    /// Returns the tags that every answer to the request carries; the policy's name is one of them.
    ///
    /// Under a transparent policy the target is one, too, since unsafe methods invalidate by it.
    pub(crate) fn tags(&self, request: &Parts, admitted: &Admitted<'_>) -> Arc<[Tag]> {
        let templates = self.policy.tags.iter();
        let target = self
            .policy
            .is_transparent()
            .then(|| target::tag(admitted.authority, &request.uri));
        templates
            .map(|template| template.fill(&admitted.parameters))
            .chain([Tag::new(&self.name)])
            .chain(target)
            .collect()
    }

    /// Returns the client's directives, where the policy lets it have a say.
    ///
    /// Elsewhere they are ignored, or anybody could make the handler work at will.
    pub(crate) fn directives(&self, request: &Parts) -> CacheControl {
        if self.policy.is_transparent() {
            CacheControl::of_request(&request.headers)
        } else {
            CacheControl::default()
        }
    }

    /// Draws how far ahead one request looks.
    pub(crate) fn early_refresh(&self, chance: &Chance) -> EarlyRefresh {
        EarlyRefresh {
            beta: self.policy.early_refresh,
            chance: chance.draw(),
        }
    }

    pub(crate) fn decision(&self, outcome: Outcome) -> CacheDecision {
        CacheDecision::new(self.name.clone(), outcome)
    }

    pub(crate) fn decided<B>(&self, outcome: Outcome, mut response: Response<B>) -> Response<B> {
        self.decision(outcome).write(&mut response);
        response
    }
}
