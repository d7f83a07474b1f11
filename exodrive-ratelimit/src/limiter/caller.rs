//! Who sent a request.

use std::cell::OnceCell;
use std::net::{IpAddr, Ipv4Addr};

use http::request::Parts;

use super::plan::Plan;
use crate::Subject;
use crate::client_ip::peer;
use crate::control::Who;
use crate::limit::Whose;

/// Who sent a request; found out only if a limit asks, and once.
pub(super) struct Caller<'a> {
    plan: &'a Plan,
    parts: &'a Parts,
    address: OnceCell<IpAddr>,
    ip: OnceCell<Subject>,
    user: OnceCell<Option<Subject>>,
}

impl<'a> Caller<'a> {
    pub(super) const fn new(plan: &'a Plan, parts: &'a Parts) -> Self {
        Self {
            plan,
            parts,
            address: OnceCell::new(),
            ip: OnceCell::new(),
            user: OnceCell::new(),
        }
    }

    /// Whom a limit counts.
    pub(super) fn subject(&self, whose: &Whose) -> Option<Subject> {
        match whose {
            Whose::Ip => Some(self.ip().clone()),
            Whose::User => self.user().cloned(),
            Whose::UserOrIp => Some(self.user().unwrap_or_else(|| self.ip()).clone()),
            Whose::Request(subject_of) => subject_of(self.parts),
            Whose::Subject | Whose::Nobody => None,
        }
    }

    pub(super) fn user(&self) -> Option<&Subject> {
        self.user
            .get_or_init(|| self.plan.identify.as_ref()?(self.parts))
            .as_ref()
    }

    /// Everybody that the request is of, as lists name them.
    pub(super) fn who(&self) -> Who {
        let mut who = Who::default();
        who.address(self.address());
        if let Some(user) = self.user() {
            who.subject(user);
        }
        who
    }

    fn ip(&self) -> &Subject {
        self.ip
            .get_or_init(|| self.plan.client_ip.subject(self.address()))
    }

    fn address(&self) -> IpAddr {
        *self.address.get_or_init(|| {
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
            client_ip.client(peer, self.parts)
        })
    }
}
