//! Everything that is ordered, as of one version, and what follows from it for a request.
//!
//! First the suspension, then the allow list, then the deny list and the bans; what is left is for the limits, in the mode
//! and the size ordered for them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use smallvec::SmallVec;

use super::entry::{Entry, Order};
use super::whom::Kind;
use super::{Mode, Override, Whom};
use crate::Subject;
use crate::decision::{Bar, Outcome};
use crate::written::written;

/// What has changed since a version that was known.
#[derive(Debug)]
pub(crate) struct Changes {
    pub(crate) version: u64,
    /// Whether these are all the entries there are.
    pub(crate) all: bool,
    /// By id; `None` for one that is gone.
    pub(crate) entries: Vec<(Arc<str>, Option<Arc<Entry>>)>,
}

#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    version: u64,
    fixed: Arc<[Arc<Entry>]>,
    entries: HashMap<Arc<str>, Arc<Entry>>,
    suspension: Option<Arc<Entry>>,
    allowed: Named,
    barred: Named,
    resized: Named,
    modes: HashMap<Arc<str>, Arc<Entry>>,
}

/// Who asks, as far as lists can name them.
#[derive(Debug, Default)]
pub(crate) struct Who {
    addresses: SmallVec<[IpAddr; 2]>,
    names: SmallVec<[String; 2]>,
}

/// Whether somebody gets as far as the limits.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Limited,
    Unlimited,
    Barred(Outcome, Bar),
}

/// Entries by whom they name.
#[derive(Debug, Default)]
struct Named {
    networks: HashMap<IpNet, Vec<Arc<Entry>>>,
    /// The lengths of prefixes that occur, with the bits of an address of their version.
    lengths: Vec<(u8, u8)>,
    subjects: HashMap<Box<str>, Vec<Arc<Entry>>>,
}

impl Who {
    pub(crate) fn address(&mut self, address: IpAddr) {
        self.addresses.push(address);
    }

    pub(crate) fn subject(&mut self, subject: &Subject) {
        match subject.address() {
            Some(address) => self.addresses.push(address),
            None => self.names.push(written(subject)),
        }
    }

    pub(crate) fn of(subject: &Subject) -> Self {
        let mut who = Self::default();
        who.subject(subject);
        who
    }
}

impl Named {
    fn add(&mut self, whom: &Whom, entry: &Arc<Entry>) {
        let entries = match &whom.0 {
            Kind::Network(network) => {
                let length = (network.max_prefix_len(), network.prefix_len());
                if !self.lengths.contains(&length) {
                    self.lengths.push(length);
                }
                self.networks.entry(*network).or_default()
            }
            Kind::Named(name) => self.subjects.entry(name.clone()).or_default(),
        };
        entries.push(Arc::clone(entry));
    }

    fn is_empty(&self) -> bool {
        self.networks.is_empty() && self.subjects.is_empty()
    }

    fn about<'a>(&'a self, who: &'a Who) -> impl Iterator<Item = &'a Arc<Entry>> {
        let networks = who.addresses.iter().flat_map(move |&address| {
            let bits = if address.is_ipv4() { 32 } else { 128 };
            let lengths = self.lengths.iter().filter(move |(of, _)| *of == bits);
            lengths.filter_map(move |(_, length)| {
                let network = IpNet::new(address, *length).ok()?.trunc();
                self.networks.get(&network)
            })
        });
        let subjects = who.names.iter();
        let subjects = subjects.filter_map(|name| self.subjects.get(name.as_str()));
        networks.chain(subjects).flatten()
    }
}

impl Snapshot {
    /// What holds before anything is known to have been ordered.
    pub(crate) fn of_configuration(fixed: Vec<Entry>) -> Self {
        let fixed = fixed.into_iter().map(Arc::new).collect();
        Self::new(0, fixed, HashMap::new())
    }

    /// What holds after the changes. What is over by now is left out.
    pub(crate) fn after(&self, changes: Changes, now: u64) -> Self {
        let mut entries = if changes.all {
            HashMap::new()
        } else {
            self.entries.clone()
        };
        for (id, entry) in changes.entries {
            match entry {
                Some(entry) => entries.insert(id, entry),
                None => entries.remove(&id),
            };
        }
        entries.retain(|_, entry| entry.rest(now).is_some());
        Self::new(changes.version, Arc::clone(&self.fixed), entries)
    }

    fn new(version: u64, fixed: Arc<[Arc<Entry>]>, entries: HashMap<Arc<str>, Arc<Entry>>) -> Self {
        let mut snapshot = Self {
            version,
            ..Self::default()
        };
        for entry in fixed.iter().chain(entries.values()) {
            match entry.order() {
                Order::Allow(whom) => snapshot.allowed.add(whom, entry),
                Order::Deny(whom) | Order::Ban(whom) => snapshot.barred.add(whom, entry),
                Order::Override(whom, ..) => snapshot.resized.add(whom, entry),
                Order::Mode(limit, _) => {
                    snapshot.modes.insert(Arc::clone(limit), Arc::clone(entry));
                }
                Order::Suspension => snapshot.suspension = Some(Arc::clone(entry)),
            }
        }
        Self {
            fixed,
            entries,
            ..snapshot
        }
    }

    pub(crate) const fn version(&self) -> u64 {
        self.version
    }

    /// What is in force, the configuration included.
    pub(crate) fn entries(&self, now: u64) -> Vec<Arc<Entry>> {
        let all = self.fixed.iter().chain(self.entries.values());
        let mut entries: Vec<_> = all.filter(|entry| entry.rest(now).is_some()).collect();
        entries.sort_by_cached_key(|entry| entry.order().id());
        entries.into_iter().cloned().collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.fixed.is_empty() && self.entries.is_empty()
    }

    pub(crate) fn is_suspended(&self, now: u64) -> bool {
        self.suspension
            .as_ref()
            .is_some_and(|entry| entry.rest(now).is_some())
    }

    /// Whether it matters who asks.
    pub(crate) fn lists_anybody(&self) -> bool {
        !(self.allowed.is_empty() && self.barred.is_empty())
    }

    pub(crate) fn access(&self, who: &Who, now: u64) -> Access {
        let in_force = |entry: &&Arc<Entry>| entry.rest(now).is_some();
        if self.allowed.about(who).any(|entry| in_force(&entry)) {
            return Access::Unlimited;
        }
        // Of several bars the one that lasts longest counts, for nobody gets in before that.
        let bars = self.barred.about(who);
        let bars = bars.filter_map(|entry| Some((entry.rest(now)?, entry)));
        let Some((wait, entry)) = bars.max_by_key(|(wait, _)| *wait) else {
            return Access::Limited;
        };
        let outcome = match entry.order() {
            Order::Ban(_) => Outcome::Banned,
            _ => Outcome::Denied,
        };
        let reason = entry.shared_reason();
        Access::Barred(outcome, Bar { reason, wait })
    }

    /// The mode ordered for a limit, if any.
    pub(crate) fn mode(&self, limit: &str, now: u64) -> Option<Mode> {
        if self.modes.is_empty() {
            return None;
        }
        let entry = self.modes.get(limit)?;
        match entry.order() {
            Order::Mode(_, mode) if entry.rest(now).is_some() => Some(*mode),
            _ => None,
        }
    }

    /// The size ordered for a limit where it counts this subject, if any. An order about this limit goes before one
    /// about all.
    pub(crate) fn size(&self, limit: &str, subject: &Subject, now: u64) -> Option<Override> {
        if self.resized.is_empty() {
            return None;
        }
        let who = Who::of(subject);
        let orders = self.resized.about(&who).filter_map(|entry| {
            entry.rest(now)?;
            match entry.order() {
                Order::Override(_, Some(of), to) if **of == *limit => Some((true, *to)),
                Order::Override(_, None, to) => Some((false, *to)),
                _ => None,
            }
        });
        let order = orders.max_by_key(|(of_this_limit, _)| *of_this_limit);
        order.map(|(_, to)| to)
    }
}

#[cfg(test)]
mod tests;
