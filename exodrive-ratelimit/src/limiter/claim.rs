//! Which limits a request or a subject meets.

use std::sync::Arc;

use http::request::Parts;
use smallvec::SmallVec;

use super::admission::Admission;
use super::caller::Caller;
use super::plan::Plan;
use super::planned::{Planned, Size};
use crate::Subject;
use crate::control::{Access, Mode, Snapshot, Who};
use crate::limit::{Cost, Whose};

/// That a limit applies: to whom, for how much and in what way.
#[derive(Debug)]
pub(crate) struct Claim {
    /// The limit's place in the plan.
    pub(super) limit: usize,
    pub(super) subject: Subject,
    pub(super) cost: u32,
    pub(super) shadow: bool,
    /// The size that is ordered for the subject in place of the limit's own.
    pub(super) size: Option<Arc<Size>>,
}

pub(crate) type Claims = SmallVec<[Claim; 2]>;

/// What is left to decide about a request.
#[derive(Debug)]
pub(crate) enum Asked {
    /// Nothing: no limit applies, and it is not told of any.
    Unlimited,
    /// Nothing: whoever asks is on a list.
    Decided(Box<Admission>),
    /// Whether these limits have room.
    Limited(Claims),
}

/// The orders at one time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Orders<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) now: u64,
}

impl Plan {
    /// What is to be decided about a request.
    pub(super) fn asked_by_request(&self, parts: &Parts, orders: Orders<'_>) -> Asked {
        let Orders { snapshot, now } = orders;
        if snapshot.is_suspended(now) {
            return Asked::Unlimited;
        }
        let caller = Caller::new(self, parts);
        let claims = self.claims_of_request(parts, &caller, orders);
        if snapshot.lists_anybody() {
            let mut who = caller.who();
            claims.iter().for_each(|claim| who.subject(&claim.subject));
            if let Some(admission) = on_a_list(&who, orders) {
                return Asked::Decided(admission.into());
            }
        }
        if claims.is_empty() {
            Asked::Unlimited
        } else {
            Asked::Limited(claims)
        }
    }

    /// The same about a subject by itself, without a request to ask.
    pub(super) fn asked_by_subject(
        &self,
        subject: Subject,
        cost: u32,
        orders: Orders<'_>,
    ) -> Asked {
        let Orders { snapshot, now } = orders;
        if snapshot.is_suspended(now) {
            return Asked::Unlimited;
        }
        if snapshot.lists_anybody()
            && let Some(admission) = on_a_list(&Who::of(&subject), orders)
        {
            return Asked::Decided(admission.into());
        }
        let mut claims = Claims::new();
        let mut claim = |limit: usize, subject| {
            if let Some(claim) = self.limits[limit].claim(limit, subject, cost, orders) {
                claims.push(claim);
            }
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
        if claims.is_empty() {
            Asked::Unlimited
        } else {
            Asked::Limited(claims)
        }
    }

    fn claims_of_request(&self, parts: &Parts, caller: &Caller<'_>, orders: Orders<'_>) -> Claims {
        let mut claims = Claims::new();
        for (index, planned) in self.limits.iter().enumerate() {
            let limit = &planned.limit;
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
            if let Some(claim) = planned.claim(index, subject, cost, orders) {
                claims.push(claim);
            }
        }
        claims
    }

    /// Every limit that may count the subject, for those who look at it or reset it.
    pub(super) fn claims_about(&self, subject: &Subject, orders: Orders<'_>) -> Claims {
        let limits = self.limits.iter().enumerate();
        let limits = limits.filter(|(_, planned)| match planned.limit.whose {
            Whose::Request(_) => true,
            ref whose => whose.may_be(subject),
        });
        limits
            .filter_map(|(index, planned)| planned.claim(index, subject.clone(), 0, orders))
            .collect()
    }
}

impl Planned {
    /// What the limit does: what is ordered, or else what it was built to do.
    #[inline]
    pub(super) fn mode(&self, Orders { snapshot, now }: Orders<'_>) -> Mode {
        let built = || match self.limit.shadow {
            true => Mode::Shadow,
            false => Mode::Enforce,
        };
        snapshot.mode(self.name(), now).unwrap_or_else(built)
    }

    /// The claim of the limit on a subject; `None` if it is ordered not to apply.
    #[inline]
    fn claim(
        &self,
        index: usize,
        subject: Subject,
        cost: u32,
        Orders { snapshot, now }: Orders<'_>,
    ) -> Option<Claim> {
        let shadow = match self.mode(Orders { snapshot, now }) {
            Mode::Off => return None,
            Mode::Shadow => true,
            Mode::Enforce => false,
        };
        let mut size = None;
        if snapshot.resizes_anybody()
            && let Some(to) = snapshot.size(self.name(), &subject, now)
        {
            to.of(self.limit.way)?;
            size = self.ordered(to);
        }
        Some(Claim {
            limit: index,
            subject,
            cost,
            shadow,
            size,
        })
    }
}

fn on_a_list(who: &Who, Orders { snapshot, now }: Orders<'_>) -> Option<Admission> {
    match snapshot.access(who, now) {
        Access::Limited => None,
        Access::Unlimited => Some(Admission::listed()),
        Access::Barred(outcome, bar) => Some(Admission::barred(outcome, bar)),
    }
}
