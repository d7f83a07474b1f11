//! Which limits a request or a subject meets.

use http::request::Parts;
use smallvec::SmallVec;

use super::caller::Caller;
use super::plan::Plan;
use super::planned::Planned;
use crate::Subject;
use crate::limit::Cost;

/// That a limit applies: to whom and for how much.
#[derive(Debug)]
pub(crate) struct Claim {
    /// The limit's place in the plan.
    pub(super) limit: usize,
    pub(super) subject: Subject,
    pub(super) cost: u32,
}

pub(crate) type Claims = SmallVec<[Claim; 2]>;

impl Plan {
    /// The limits that apply to a request.
    pub(super) fn claims_of_request(&self, parts: &Parts) -> Claims {
        let caller = Caller::new(self, parts);
        let mut claims = Claims::new();
        for (index, Planned { limit, .. }) in self.limits.iter().enumerate() {
            if !limit.conditions.iter().all(|holds| holds(parts))
                || limit.unless_authenticated && caller.user().is_some()
            {
                continue;
            }
            let Some(subject) = caller.subject(&limit.whose) else {
                continue;
            };
            let cost = match &limit.cost {
                Cost::Fixed(cost) => *cost,
                Cost::Request(cost_of) => cost_of(parts),
            };
            claims.push(Claim {
                limit: index,
                subject,
                cost,
            });
        }
        claims
    }

    /// The limits that apply to a subject by itself, without a request to ask.
    pub(super) fn claims_of_subject(&self, subject: Subject, cost: u32) -> Claims {
        let mut claims = Claims::new();
        let mut claim = |limit, subject| {
            claims.push(Claim {
                limit,
                subject,
                cost,
            });
        };
        // Most subjects meet one limit, which needs no copy of them.
        let mut last = None;
        for (index, planned) in self.limits.iter().enumerate() {
            if planned.limit.applies_to(&subject)
                && let Some(earlier) = last.replace(index)
            {
                claim(earlier, subject.clone());
            }
        }
        match last {
            Some(last) => claim(last, subject),
            None => self.doubts.unlimited_subject(subject.kind()),
        }
        claims
    }
}
