//! Which domain event invalidates which tags.

use std::any::{Any, TypeId};
#[cfg(feature = "json")]
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;

use crate::Tag;
use crate::store::Invalidation;
use crate::tag_template::TagTemplate;

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

    /// Templates of the tags that the rules of the event name, such as `car:{id}`, for
    /// [`Cache::graph`](crate::Cache::graph). Defaults to none, which means that they are not stated.
    const TAGS: &'static [&'static str] = &[];
}

type Rule = Box<dyn Fn(&dyn Any) -> Vec<Tag> + Send + Sync>;

/// The rules from events to tags.
#[derive(Default)]
pub(crate) struct Registry {
    typed: HashMap<TypeId, Typed>,
    /// Events that come as data, by name.
    named: BTreeMap<Box<str>, Vec<TagTemplate>>,
}

struct Typed {
    name: &'static str,
    stated: Vec<TagTemplate>,
    rules: Vec<(Invalidation, Rule)>,
}

/// The tags that an event made outdated, by how.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Outdated {
    pub(crate) hard: Vec<Tag>,
    pub(crate) soft: Vec<Tag>,
}

impl Registry {
    pub(crate) fn on<E: Event, T: IntoIterator<Item = Tag>>(
        &mut self,
        how: Invalidation,
        tags: impl Fn(&E) -> T + Send + Sync + 'static,
    ) {
        let rule: Rule = Box::new(move |event| {
            event
                .downcast_ref::<E>()
                .map_or_else(Vec::new, |event| tags(event).into_iter().collect())
        });
        let typed = self.typed.entry(TypeId::of::<E>());
        let typed = typed.or_insert_with(|| Typed {
            name: E::NAME,
            stated: E::TAGS.iter().map(|tag| TagTemplate::new(tag)).collect(),
            rules: Vec::new(),
        });
        typed.rules.push((how, rule));
    }

    #[cfg(feature = "json")]
    pub(crate) fn on_named<'a>(&mut self, name: &str, tags: impl IntoIterator<Item = &'a str>) {
        let templates = self.named.entry(name.into()).or_default();
        templates.extend(tags.into_iter().map(TagTemplate::new));
    }

    /// Returns the tags that `event` makes outdated, or `None` if no rule names the event.
    pub(crate) fn outdated<E: Event>(&self, event: &E) -> Option<Outdated> {
        let typed = self.typed.get(&TypeId::of::<E>())?;
        let mut outdated = Outdated::default();
        for (how, rule) in &typed.rules {
            let tags = match how {
                Invalidation::Hard => &mut outdated.hard,
                Invalidation::Soft => &mut outdated.soft,
            };
            tags.extend(rule(event));
        }
        for tag in outdated.hard.iter().chain(&outdated.soft) {
            let tag = TagTemplate::new(tag.as_str());
            if !typed.stated.is_empty() && !typed.stated.iter().any(|one| one.overlaps(&tag)) {
                tracing::warn!(event = typed.name, %tag, "an event names a tag that it does not state");
            }
        }
        Some(outdated)
    }

    /// Returns the tags that an event makes outdated, from the text of its fields. The error is the first
    /// field that is missing.
    #[cfg(feature = "json")]
    pub(crate) fn outdated_by_name<'v>(
        &self,
        name: &str,
        field: impl Fn(&str) -> Option<Cow<'v, str>>,
    ) -> Option<Result<Vec<Tag>, &str>> {
        let templates = self.named.get(name)?.iter();
        Some(templates.map(|template| template.fill(&field)).collect())
    }

    /// Returns the events with the tags that they state.
    pub(crate) fn events(&self) -> BTreeMap<&str, &[TagTemplate]> {
        let typed = self
            .typed
            .values()
            .map(|typed| (typed.name, &*typed.stated));
        let named = self.named.iter().map(|(name, tags)| (&**name, &**tags));
        typed.chain(named).collect()
    }

    /// Returns a name that two events share, if there is one.
    pub(crate) fn duplicate(&self) -> Option<&str> {
        let typed = self.typed.values().map(|typed| typed.name);
        let mut names: Vec<_> = typed.chain(self.named.keys().map(|name| &**name)).collect();
        names.sort_unstable();
        names
            .windows(2)
            .find(|pair| pair[0] == pair[1])
            .map(|pair| pair[0])
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.events().keys()).finish()
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
        registry.on(Invalidation::Hard, |event: &Updated| {
            [tag!("car:{}", event.0)]
        });
        registry.on(Invalidation::Soft, |_: &Updated| vec![tag!("fleet")]);
        let outdated = registry.outdated(&Updated(3)).unwrap();
        assert_eq!(outdated.hard, [tag!("car:3")]);
        assert_eq!(outdated.soft, [tag!("fleet")]);
        assert_eq!(registry.outdated(&Deleted), None);
    }

    #[test]
    fn finds_two_events_of_one_name() {
        let mut registry = Registry::default();
        registry.on(Invalidation::Hard, |_: &Updated| []);
        registry.on(Invalidation::Hard, |_: &Deleted| []);
        assert_eq!(registry.duplicate(), None);
        registry.on(Invalidation::Hard, |_: &Renamed| []);
        assert_eq!(registry.duplicate(), Some("updated"));
    }
}
