//! Which event makes which answers outdated, as far as that is stated.

use std::fmt;

use crate::Cache;
use crate::shared::Shared;
use crate::store::Store;
use crate::tag_template::TagTemplate;

/// The way from events over tags to policies, as far as events, policies and handlers state it. Made by [`Cache::graph`].
///
/// It prints as a Mermaid flow chart. What cannot be right in it are its [`lints`](Self::lints).
#[derive(Clone, Debug)]
pub struct Graph {
    events: Vec<Node>,
    policies: Vec<Node>,
}

/// An event or a policy with its tags.
#[derive(Clone, Debug)]
struct Node {
    name: String,
    tags: Vec<TagTemplate>,
}

/// Something that is probably forgotten.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Lint {
    /// An event names a tag that no answer carries.
    TagOfNoPolicy {
        /// The event.
        event: String,
        /// The template of the tag.
        tag: String,
    },
    /// No event names a tag of a policy, so its answers stay until their time is over.
    NeverInvalidated {
        /// The policy.
        policy: String,
    },
}

impl<St: Store> Cache<St> {
    /// Returns which event makes which answers outdated: what is stated in [`Event::TAGS`](crate::Event::TAGS), in the rules
    /// of events that come as data, in [`CachePolicy::tag`](crate::CachePolicy::tag) and in
    /// [`CachePolicy::handler_tags`](crate::CachePolicy::handler_tags).
    ///
    /// A test that asserts that it has no [`lints`](Graph::lints) finds an event that was forgotten.
    #[must_use]
    pub fn graph(&self) -> Graph {
        let Shared {
            policies, registry, ..
        } = &*self.shared;
        let events = registry.events().into_iter().map(|(name, tags)| Node {
            name: name.to_owned(),
            tags: tags.to_vec(),
        });
        let names = self.policies();
        let policies = names.into_iter().map(|name| {
            let policy = &policies[name].policy;
            let own = [TagTemplate::new(name)];
            Node {
                name: name.to_owned(),
                tags: [&own, &*policy.tags, &*policy.handler_tags].concat(),
            }
        });
        #[cfg(feature = "objects")]
        let policies = policies.chain(self.shared.objects.tags().map(|(name, tags)| Node {
            name: name.to_owned(),
            tags: tags.to_vec(),
        }));
        Graph {
            events: events.collect(),
            policies: policies.collect(),
        }
    }
}

impl Graph {
    /// Returns what is probably forgotten.
    ///
    /// While the tags of any event are not stated, no policy counts as never invalidated.
    #[must_use]
    pub fn lints(&self) -> Vec<Lint> {
        let mut lints = Vec::new();
        for event in &self.events {
            let idle = |tag: &&TagTemplate| !self.policies.iter().any(|policy| policy.carries(tag));
            lints.extend(
                event
                    .tags
                    .iter()
                    .filter(idle)
                    .map(|tag| Lint::TagOfNoPolicy {
                        event: event.name.clone(),
                        tag: tag.to_string(),
                    }),
            );
        }
        if self.events.iter().all(|event| !event.tags.is_empty()) {
            let named = || self.events.iter().flat_map(|event| &event.tags);
            let never = |policy: &&Node| !named().any(|tag| policy.carries(tag));
            let never = self.policies.iter().filter(never);
            lints.extend(never.map(|policy| Lint::NeverInvalidated {
                policy: policy.name.clone(),
            }));
        }
        lints
    }
}

impl Node {
    fn carries(&self, tag: &TagTemplate) -> bool {
        self.tags.iter().any(|own| own.overlaps(tag))
    }
}

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "flowchart LR")?;
        for (n, policy) in self.policies.iter().enumerate() {
            writeln!(f, "    p{n}[[\"{}\"]]", escaped(&policy.name))?;
        }
        for (e, event) in self.events.iter().enumerate() {
            writeln!(f, "    e{e}([\"{}\"])", escaped(&event.name))?;
            for (t, tag) in event.tags.iter().enumerate() {
                let text = tag.to_string();
                writeln!(f, "    e{e} --> e{e}t{t}[\"{}\"]", escaped(&text))?;
                for (n, policy) in self.policies.iter().enumerate() {
                    if policy.carries(tag) {
                        writeln!(f, "    e{e}t{t} --> p{n}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Mermaid knows no other way to write a quotation mark in a label.
fn escaped(text: &str) -> String {
    text.replace('"', "#quot;")
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TagOfNoPolicy { event, tag } => {
                write!(
                    f,
                    "the event {event:?} names the tag {tag:?}, which no policy carries"
                )
            }
            Self::NeverInvalidated { policy } => {
                write!(f, "no event names a tag of the policy {policy:?}")
            }
        }
    }
}
