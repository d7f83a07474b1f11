//! A policy under its name, with everything resolved that can be resolved once.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response, response};

use crate::accuracy::Comparisons;
use crate::admission::Admitted;
use crate::cache_control::CacheControl;
use crate::chance::Chance;
use crate::decision::{CacheDecision, Outcome};
use crate::early_refresh::EarlyRefresh;
use crate::error::Mistake;
use crate::groups::{self, CACHE_GROUP_INVALIDATION, CACHE_GROUPS};
use crate::limits::Limits;
#[cfg(feature = "metrics")]
use crate::meters::Meters;
use crate::mode::ModeCell;
use crate::policy::CachePolicy;
use crate::purge::key_tag;
use crate::target::{self, Changed};
use crate::{CacheKey, Entry, Tag};

pub(crate) struct RoutePolicy {
    pub(crate) name: Arc<str>,
    pub(crate) policy: CachePolicy,
    pub(crate) headers: Vec<HeaderName>,
    pub(crate) limits: Limits,
    pub(crate) mode: ModeCell,
    pub(crate) comparisons: Comparisons,
    #[cfg(feature = "metrics")]
    pub(crate) meters: Meters,
}

impl RoutePolicy {
    /// Resolves a policy, and reports what cannot work.
    pub(crate) fn new(name: &str, policy: CachePolicy, mistakes: &mut Vec<Mistake>) -> Self {
        Self {
            name: name.into(),
            headers: policy.check(name, mistakes),
            limits: Limits::of(&policy.schedule),
            mode: ModeCell::new(policy.mode),
            comparisons: Comparisons::default(),
            #[cfg(feature = "metrics")]
            meters: Meters::new(name),
            policy,
        }
    }

    pub(crate) fn key(&self, request: &Parts, admitted: &Admitted<'_>) -> CacheKey {
        CacheKey::new(&self.name, &self.policy, &self.headers, request, admitted)
    }

    /// Returns the tags that every answer to the request carries; the policy's name is one of them.
    ///
    /// Under a transparent policy the target is one, too, since unsafe methods invalidate by it.
    pub(crate) fn tags(
        &self,
        request: &Parts,
        admitted: &Admitted<'_>,
        key: &CacheKey,
    ) -> Arc<[Tag]> {
        let templates = self.policy.tags.iter();
        let target = self
            .policy
            .is_transparent()
            .then(|| target::tag(admitted.authority, &request.uri));
        templates
            .filter_map(|template| {
                let value = |name: &str| admitted.parameters.value(name).map(Cow::Borrowed);
                template.fill(value).ok()
            })
            .chain([Tag::new(&self.name)])
            .chain(target)
            .chain(self.policy.purge_by_key.then(|| key_tag(key)))
            .collect()
    }

    /// Returns the groups that an answer says it is in, as tags.
    pub(crate) fn groups_of(&self, answer: &HeaderMap, key: &CacheKey) -> Vec<Tag> {
        if !self.policy.cache_groups {
            return Vec::new();
        }
        let authority = self.policy.is_transparent().then(|| key.authority());
        groups::tags(answer, &CACHE_GROUPS, authority)
    }

    /// Returns the groups that an answer with `tags` is to name.
    pub(crate) fn groups(&self, tags: &[Tag]) -> Option<HeaderValue> {
        if !self.policy.cache_groups || self.policy.is_transparent() {
            return None;
        }
        groups::field(tags)
    }

    /// Returns what a request may change, if its answer is to be looked at.
    pub(crate) fn changed(&self, request: &Parts) -> Option<Changed> {
        if !self.policy.cache_groups && !self.policy.is_transparent() {
            return None;
        }
        target::of_unsafe(request)
    }

    /// Returns what the answer says was changed.
    pub(crate) fn tags_changed(&self, changed: &Changed, answer: &response::Parts) -> Vec<Tag> {
        let authority = self.policy.is_transparent().then(|| changed.authority());
        let mut tags = match authority {
            Some(_) => changed.tags(answer),
            None => Vec::new(),
        };
        if self.policy.cache_groups {
            let headers = &answer.headers;
            tags.extend(groups::tags(headers, &CACHE_GROUP_INVALIDATION, authority));
        }
        tags
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
        self.policy.schedule.early_refresh(chance)
    }

    /// Takes note of how a request ended; `None` if the policy was not in force for it.
    pub(crate) fn ended(&self, outcome: Option<Outcome>) {
        #[cfg(feature = "metrics")]
        self.meters.ended(outcome);
        #[cfg(not(feature = "metrics"))]
        let _ = (self, outcome);
    }

    /// Takes note of how long the handler took.
    pub(crate) fn filled(&self, time: Duration) {
        #[cfg(feature = "metrics")]
        self.meters.filled(time);
        #[cfg(not(feature = "metrics"))]
        let _ = (self, time);
    }

    /// Takes note of a body that is stored.
    pub(crate) fn stored(&self, bytes: usize) {
        #[cfg(feature = "metrics")]
        self.meters.stored(bytes);
        #[cfg(not(feature = "metrics"))]
        let _ = (self, bytes);
    }

    /// Takes note of whether the handler's answer was the stored one.
    pub(crate) fn compared(&self, is_same: bool) {
        self.comparisons.add(is_same);
        #[cfg(feature = "metrics")]
        self.meters.compared(is_same);
    }

    pub(crate) fn decision(&self, outcome: Outcome) -> CacheDecision {
        CacheDecision::new(self.name.clone(), outcome)
    }

    /// Ends a request that went past the cache.
    pub(crate) fn passed<B>(
        &self,
        outcome: Option<Outcome>,
        mut response: Response<B>,
    ) -> Response<B> {
        self.ended(outcome);
        if let Some(outcome) = outcome {
            self.decision(outcome).write(&mut response);
        }
        response
    }

    /// Tells of an answer from the store, made at `now`.
    pub(crate) fn served<B>(
        &self,
        outcome: Outcome,
        entry: &Entry,
        now: SystemTime,
        mut response: Response<B>,
    ) -> Response<B> {
        let age = entry.age(now);
        self.decision(outcome).write_on_stored(age, &mut response);
        response
    }

    /// Tells of any other answer.
    pub(crate) fn decided<B>(&self, outcome: Outcome, mut response: Response<B>) -> Response<B> {
        self.decision(outcome).write(&mut response);
        response
    }
}

impl fmt::Debug for RoutePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoutePolicy")
            .field("name", &self.name)
            .field("policy", &self.policy)
            .field("mode", &self.mode.current())
            .finish_non_exhaustive()
    }
}
