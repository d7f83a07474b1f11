//! Which domain event invalidates which tags.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;

use crate::Tag;

/// Something that happened in the application's domain and makes cached answers outdated.
///
/// The type is the event: publishing one that carries the wrong data does not compile.
///
/// ```
/// struct CarUpdated {
///     id: u64,
/// }
///
/// impl exodrive_cache::Event for CarUpdated {
///     const NAME: &'static str = "car.updated";
/// }
/// ```
pub trait Event: Send + Sync + 'static {
    /// The name of the event in logs and between services.
    const NAME: &'static str;
}

type Rule = Box<dyn Fn(&dyn Any) -> Vec<Tag> + Send + Sync>;

/// The rules from events to tags.
#[derive(Default)]
pub(crate) struct Registry {
    rules: HashMap<TypeId, (&'static str, Vec<Rule>)>,
}

impl Registry {
    pub(crate) fn on<E: Event, T: IntoIterator<Item = Tag>>(
        &mut self,
        tags: impl Fn(&E) -> T + Send + Sync + 'static,
    ) {
        let rule: Rule = Box::new(move |event| {
            event
                .downcast_ref::<E>()
                .map_or_else(Vec::new, |event| tags(event).into_iter().collect())
        });
        self.rules
            .entry(TypeId::of::<E>())
            .or_insert_with(|| (E::NAME, Vec::new()))
            .1
            .push(rule);
    }

    /// Returns the tags that `event` makes outdated, or `None` if no rule names the event.
    pub(crate) fn tags<E: Event>(&self, event: &E) -> Option<Vec<Tag>> {
        let (_, rules) = self.rules.get(&TypeId::of::<E>())?;
        Some(rules.iter().flat_map(|rule| rule(event)).collect())
    }

    /// Returns a name that two event types share, if there is one.
    pub(crate) fn duplicate(&self) -> Option<&'static str> {
        let mut names: Vec<_> = self.rules.values().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names
            .windows(2)
            .find(|pair| pair[0] == pair[1])
            .map(|pair| pair[0])
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.rules.values().map(|(name, _)| name))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tag;

    struct Updated(u32);
    struct Renamed;
    struct Deleted;

    impl Event for Updated {
        const NAME: &'static str = "updated";
    }
    impl Event for Renamed {
        const NAME: &'static str = "updated";
    }
    impl Event for Deleted {
        const NAME: &'static str = "deleted";
    }

    #[test]
    fn every_rule_of_an_event_contributes() {
        let mut registry = Registry::default();
        registry.on(|event: &Updated| [tag!("car:{}", event.0)]);
        registry.on(|_: &Updated| vec![tag!("fleet")]);
        assert_eq!(
            registry.tags(&Updated(3)),
            Some(vec![tag!("car:3"), tag!("fleet")])
        );
        assert_eq!(registry.tags(&Deleted), None);
    }

    #[test]
    fn finds_two_events_of_one_name() {
        let mut registry = Registry::default();
        registry.on(|_: &Updated| []);
        registry.on(|_: &Deleted| []);
        assert_eq!(registry.duplicate(), None);
        registry.on(|_: &Renamed| []);
        assert_eq!(registry.duplicate(), Some("updated"));
    }
}
