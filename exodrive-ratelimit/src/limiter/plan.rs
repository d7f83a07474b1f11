//! The limits of a limiter, and which of them a request or a subject meets.

use std::cell::OnceCell;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::SystemTime;

use http::request::Parts;
use http::{HeaderMap, response};
use smallvec::SmallVec;

use super::doubts::Doubts;
use crate::client_ip::{ClientIp, peer};
use crate::decision::{Decision, LimitState};
use crate::headers::HeaderStyle;
use crate::limit::{Cost, Limit, OnStoreError, Whose};
use crate::store::{Charge, Reading, Receipt, Stamp};
use crate::terms::Terms;
use crate::{Rule, Subject};

pub(crate) type Identify = dyn Fn(&Parts) -> Option<Subject> + Send + Sync;

/// Everything about a limiter but its store.
pub(crate) struct Plan {
    limits: Vec<Planned>,
    client_ip: ClientIp,
    identify: Option<Arc<Identify>>,
    headers: HeaderStyle,
    pub(super) doubts: Doubts,
}

/// A limit with its numbers reduced.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(super) limit: Limit,
    rule: Rule,
    terms: Arc<Terms>,
    /// What this instance may admit by itself.
    share: Rule,
    share_terms: Arc<Terms>,
}

impl Planned {
    pub(super) fn new(limit: Limit, rule: Rule, instances: u32) -> Self {
        let share = rule.share(instances);
        let terms = |rule| Arc::new(Terms::new(&limit.name, rule));
        Self {
            terms: terms(rule),
            share_terms: terms(share),
            limit,
            rule,
            share,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.limit.name
    }

    pub(super) fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.limit.name)
    }

    pub(super) const fn rule(&self) -> Rule {
        self.rule
    }

    pub(super) const fn share(&self) -> &Rule {
        &self.share
    }

    pub(super) const fn is_shadow(&self) -> bool {
        self.limit.shadow
    }

    pub(super) const fn settles(&self) -> bool {
        self.limit.settle.is_some()
    }

    pub(super) const fn on_store_error(&self) -> OnStoreError {
        self.limit.on_store_error
    }

    /// What a request should have cost, given its response.
    pub(super) fn settled_cost(&self, response: &response::Parts) -> Option<u32> {
        Some(self.limit.settle.as_ref()?(response))
    }

    /// What is asked for a claim.
    pub(super) fn charge<'a>(
        &'a self,
        claim: &'a Claim,
        rule: &'a Rule,
        shadow: bool,
    ) -> Charge<'a> {
        Charge::new(&self.limit.name, &claim.subject, rule, claim.cost, shadow)
    }

    /// Where the limit stands after a decision.
    pub(super) fn state(&self, cost: u32, reading: &Reading) -> LimitState {
        LimitState::new(Arc::clone(&self.terms), cost, self.limit.shadow, reading)
    }

    /// The same, of the share.
    pub(super) fn state_of_share(&self, cost: u32, reading: &Reading) -> LimitState {
        let terms = Arc::clone(&self.share_terms);
        LimitState::new(terms, cost, self.limit.shadow, reading)
    }

    /// The proof of a charge in the store.
    pub(super) fn receipt(&self, claim: &Claim, stamp: Stamp) -> Receipt {
        self.receipt_under(self.rule, claim, stamp)
    }

    /// The proof of a charge to the share.
    pub(super) fn receipt_of_share(&self, claim: &Claim, stamp: Stamp) -> Receipt {
        self.receipt_under(self.share, claim, stamp)
    }

    fn receipt_under(&self, rule: Rule, claim: &Claim, stamp: Stamp) -> Receipt {
        let subject = claim.subject.clone();
        Receipt::new(self.shared_name(), subject, rule, claim.cost, stamp)
    }
}

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
    pub(super) const fn new(
        limits: Vec<Planned>,
        client_ip: ClientIp,
        identify: Option<Arc<Identify>>,
        headers: HeaderStyle,
    ) -> Self {
        Self {
            limits,
            client_ip,
            identify,
            headers,
            doubts: Doubts::new(),
        }
    }

    /// Whether a limit is decided here while the store cannot tell.
    pub(super) fn falls_back(&self) -> bool {
        let mut policies = self.limits.iter().map(Planned::on_store_error);
        policies.any(|policy| policy == OnStoreError::Local)
    }

    pub(super) fn planned(&self, limit: usize) -> &Planned {
        &self.limits[limit]
    }

    /// What the store is asked for the claims.
    pub(super) fn charges<'a>(&'a self, claims: &'a Claims) -> SmallVec<[Charge<'a>; 2]> {
        let charges = claims.iter().map(|claim| {
            let planned = self.planned(claim.limit);
            planned.charge(claim, &planned.rule, planned.is_shadow())
        });
        charges.collect()
    }

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
    pub(super) fn claims_of_subject(&self, subject: &Subject, cost: u32) -> Claims {
        let mut claims = Claims::new();
        for (index, Planned { limit, .. }) in self.limits.iter().enumerate() {
            let applies = limit.conditions.is_empty()
                && (subject.is_ip() || !limit.unless_authenticated)
                && match limit.whose {
                    Whose::Subject | Whose::UserOrIp => true,
                    Whose::Ip => subject.is_ip(),
                    Whose::User => !subject.is_ip(),
                    Whose::Request(_) | Whose::Nobody => false,
                };
            if applies {
                claims.push(Claim {
                    limit: index,
                    subject: subject.clone(),
                    cost,
                });
            }
        }
        if claims.is_empty() {
            self.doubts.unlimited_subject(subject.kind());
        }
        claims
    }

    /// Merges what limiters further in decided, and says it all in the headers.
    pub(crate) fn tell<B>(&self, response: &mut http::Response<B>, decision: Decision) {
        let decision = match response.extensions_mut().remove::<Decision>() {
            None => decision,
            Some(inner) => {
                if let Some(limit) = decision.limit_shared_with(&inner) {
                    self.doubts.decided_twice(limit);
                }
                decision.merge(inner)
            }
        };
        self.write_headers(response.headers_mut(), &decision);
        response.extensions_mut().insert(decision);
    }

    pub(crate) fn write_headers(&self, headers: &mut HeaderMap, decision: &Decision) {
        self.headers.write(headers, decision, SystemTime::now);
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("limits", &self.limits)
            .field("client_ip", &self.client_ip)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}

/// Who sent a request; found out only if a limit asks, and once.
struct Caller<'a> {
    plan: &'a Plan,
    parts: &'a Parts,
    ip: OnceCell<Subject>,
    user: OnceCell<Option<Subject>>,
}

impl<'a> Caller<'a> {
    const fn new(plan: &'a Plan, parts: &'a Parts) -> Self {
        Self {
            plan,
            parts,
            ip: OnceCell::new(),
            user: OnceCell::new(),
        }
    }

    /// Whom a limit counts.
    fn subject(&self, whose: &Whose) -> Option<Subject> {
        match whose {
            Whose::Ip => Some(self.ip().clone()),
            Whose::User => self.user().cloned(),
            Whose::UserOrIp => Some(self.user().unwrap_or_else(|| self.ip()).clone()),
            Whose::Request(subject_of) => subject_of(self.parts),
            Whose::Subject | Whose::Nobody => None,
        }
    }

    fn user(&self) -> Option<&Subject> {
        self.user
            .get_or_init(|| self.plan.identify.as_ref()?(self.parts))
            .as_ref()
    }

    fn ip(&self) -> &Subject {
        self.ip.get_or_init(|| {
            let Plan {
                client_ip, doubts, ..
            } = self.plan;
            if doubts.may_overlook_proxy() && client_ip.overlooks_a_proxy(self.parts) {
                doubts.overlooked_proxy();
            }
            // Without a peer nobody can be told apart. Counting everybody as one client is noticed at once and fails
            // no limit open.
            let peer = peer(self.parts).unwrap_or_else(|| {
                doubts.no_peer();
                IpAddr::V4(Ipv4Addr::UNSPECIFIED)
            });
            client_ip.subject(peer, self.parts)
        })
    }
}
