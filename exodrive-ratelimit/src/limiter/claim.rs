//! Which limits a request or a subject meets.

use std::sync::Arc;

use http::request::Parts;
use smallvec::SmallVec;

use super::admission::Admission;
use super::caller::Caller;
use super::plan::Plan;
use super::planned::{Planned, Size};
use crate::Subject;
use crate::control::{Access, Mode, Override, Snapshot, Who};
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

/// How far the decision about a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// No limit applies, and it is not told of any.
    Unlimited,
    /// It is decided.
    Decided,
    /// Whether the limits that it claims have room is not known yet.
    Undecided,
}

/// The orders at one time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Orders<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) now: u64,
}

impl Progress {
    fn with(claims: &Claims) -> Self {
        if claims.is_empty() {
            Self::Unlimited
        } else {
            Self::Undecided
        }
    }
}

impl Orders<'_> {
    fn suspend_limits(self) -> bool {
        self.snapshot.is_suspended(self.now)
    }

    fn on_a_list(self, who: &Who) -> Option<Admission> {
        match self.snapshot.access(who, self.now) {
            Access::Limited => None,
            Access::Unlimited => Some(Admission::listed()),
            Access::Barred(outcome, bar) => Some(Admission::barred(outcome, bar)),
        }
    }

    fn mode(self, limit: &str) -> Option<Mode> {
        self.snapshot.mode(limit, self.now)
    }

    fn size(self, limit: &str, subject: &Subject) -> Option<Override> {
        self.snapshot.size(limit, subject, self.now)
    }
}

impl Plan {
    /// Finds the claims of a request, unless it is decided without them.
    pub(super) fn asked_by_request(
        &self,
        parts: &Parts,
        orders: Option<Orders<'_>>,
        admission: &mut Admission,
    ) -> Progress {
        if orders.is_some_and(Orders::suspend_limits) {
            return Progress::Unlimited;
        }
        let caller = Caller::new(self, parts);
        let claims = &mut admission.claims;
        self.claim_for_request(parts, &caller, orders, claims);
        if let Some(orders) = orders
            && orders.snapshot.lists_anybody()
        {
            let mut who = caller.who();
            claims.iter().for_each(|claim| who.subject(&claim.subject));
            if let Some(listed) = orders.on_a_list(&who) {
                *admission = listed;
                return Progress::Decided;
            }
        }
        Progress::with(claims)
    }

    /// The same for a subject by itself, without a request to ask.
    pub(super) fn asked_by_subject(
        &self,
        subject: Subject,
        cost: u32,
        orders: Option<Orders<'_>>,
        admission: &mut Admission,
    ) -> Progress {
        if orders.is_some_and(Orders::suspend_limits) {
            return Progress::Unlimited;
        }
        if let Some(orders) = orders
            && orders.snapshot.lists_anybody()
            && let Some(listed) = orders.on_a_list(&Who::of(&subject))
        {
            *admission = listed;
            return Progress::Decided;
        }
        let claims = &mut admission.claims;
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
        Progress::with(claims)
    }

    fn claim_for_request(
        &self,
        parts: &Parts,
        caller: &Caller<'_>,
        orders: Option<Orders<'_>>,
        claims: &mut Claims,
    ) {
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
    }

    /// Every limit that may count the subject, for those who look at it or reset it.
    pub(super) fn claims_about(&self, subject: &Subject, orders: Orders<'_>) -> Claims {
        let limits = self.limits.iter().enumerate();
        let limits = limits.filter(|(_, planned)| match planned.limit.whose {
            Whose::Request(_) => true,
            ref whose => whose.may_be(subject),
        });
        limits
            .filter_map(|(index, planned)| planned.claim(index, subject.clone(), 0, Some(orders)))
            .collect()
    }
}

impl Planned {
    /// What the limit does: what is ordered, or else what it was built to do.
    #[inline]
    pub(super) fn mode(&self, orders: Option<Orders<'_>>) -> Mode {
        let built = || match self.limit.shadow {
            true => Mode::Shadow,
            false => Mode::Enforce,
        };
        let ordered = orders.and_then(|orders| orders.mode(self.name()));
        ordered.unwrap_or_else(built)
    }

    /// The claim of the limit on a subject; `None` if it is ordered not to apply.
    #[inline]
    fn claim(
        &self,
        index: usize,
        subject: Subject,
        cost: u32,
        orders: Option<Orders<'_>>,
    ) -> Option<Claim> {
        let shadow = match self.mode(orders) {
            Mode::Off => return None,
            Mode::Shadow => true,
            Mode::Enforce => false,
        };
        let mut size = None;
        if let Some(to) = orders.and_then(|orders| orders.size(self.name(), &subject)) {
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
