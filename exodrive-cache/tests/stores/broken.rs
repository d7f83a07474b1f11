//! The suite finds stores out that break a promise.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use exodrive_cache::testing::{agrees_with_the_model, keeps_the_contract};
use exodrive_cache::{
    CacheKey, Commit, Entry, Found, Invalidated, Invalidation, MemoryFill, MemoryStore, Opened,
    Opening, Store, StoreError, Tag, Turn,
};
use tokio::runtime::Builder;

/// A memory store that breaks one promise.
struct Broken {
    inner: MemoryStore,
    how: Breach,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Breach {
    /// Nothing is broken: the suite must have no complaint.
    Nothing,
    LosesEveryEntry,
    IgnoresInvalidations,
    IgnoresSoftInvalidations,
    TakesSoftForHard,
    InvalidatesTheFirstTagOnly,
    /// The fill counts from when it ends, so nothing can overtake it.
    ForgetsWhenFillsBegan,
    /// Tags that the handler declared do not count.
    KnowsTagsOfTheBeginningOnly,
    CallsEveryFillCurrent,
    NeverSaysOutdated,
    /// Memory and lookup are of two minds.
    PeeksWhatWasInvalidated,
}

struct BrokenFill {
    inner: MemoryFill,
    tags: Vec<Tag>,
}

impl Store for Broken {
    type Fill = BrokenFill;

    fn peek(&self, key: &CacheKey) -> Option<Found> {
        let mut found = self.inner.peek(key)?;
        if self.how == Breach::LosesEveryEntry {
            return None;
        }
        if self.how == Breach::NeverSaysOutdated || self.how == Breach::PeeksWhatWasInvalidated {
            found.outdated = false;
        }
        Some(found)
    }

    async fn lookup(&self, key: &CacheKey, tags: &[Tag]) -> Result<Option<Found>, StoreError> {
        match self.how {
            Breach::PeeksWhatWasInvalidated => self.inner.lookup(key, tags).await,
            _ => Ok(self.peek(key)),
        }
    }

    async fn open(&self, opening: Opening<'_>) -> Result<Opened<BrokenFill>, StoreError> {
        let tags = opening.tags.to_vec();
        Ok(match self.inner.open(opening).await? {
            Opened::Fill(inner) => Opened::Fill(BrokenFill { inner, tags }),
            Opened::Found(found) => Opened::Found(found),
            Opened::Busy => Opened::Busy,
        })
    }

    async fn is_current(&self, fill: &BrokenFill, tags: &[Tag]) -> Result<bool, StoreError> {
        match self.how {
            Breach::CallsEveryFillCurrent => Ok(true),
            _ => self.inner.is_current(&fill.inner, tags).await,
        }
    }

    async fn commit(&self, fill: &BrokenFill, entry: Entry) -> Result<Commit, StoreError> {
        let is_behind = match self.how {
            Breach::ForgetsWhenFillsBegan => true,
            Breach::KnowsTagsOfTheBeginningOnly => {
                self.inner.is_current(&fill.inner, &fill.tags).await?
            }
            _ => false,
        };
        if is_behind {
            let now = Opening {
                key: entry.key(),
                tags: entry.tags(),
                replaces: None,
                turn: Turn::Yield,
                replica_lag: Duration::ZERO,
            };
            if let Opened::Fill(fill) = self.inner.open(now).await? {
                return self.inner.commit(&fill, entry).await;
            }
        }
        self.inner.commit(&fill.inner, entry).await
    }

    async fn invalidate(&self, tags: &[Tag], how: Invalidation) -> Result<Invalidated, StoreError> {
        let (tags, how) = match self.how {
            Breach::IgnoresInvalidations => return Ok(Invalidated::Applied),
            Breach::IgnoresSoftInvalidations if how == Invalidation::Soft => {
                return Ok(Invalidated::Applied);
            }
            Breach::TakesSoftForHard => (tags, Invalidation::Hard),
            Breach::InvalidatesTheFirstTagOnly => (&tags[..tags.len().min(1)], how),
            _ => (tags, how),
        };
        self.inner.invalidate(tags, how).await
    }
}

/// Returns what the suite says of a store.
fn verdict(how: Breach, suite: &impl AsyncFn(&Broken)) -> Result<(), String> {
    let store = Broken {
        inner: MemoryStore::default(),
        how,
    };
    let runtime = Builder::new_current_thread().build().unwrap();
    let run = || runtime.block_on(suite(&store));
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
            .unwrap()
    })
}

#[test]
fn every_broken_promise_is_noticed() {
    let contract = async |store: &Broken| keeps_the_contract(store).await;
    assert_eq!(verdict(Breach::Nothing, &contract), Ok(()));
    for how in [
        Breach::LosesEveryEntry,
        Breach::IgnoresInvalidations,
        Breach::IgnoresSoftInvalidations,
        Breach::TakesSoftForHard,
        Breach::InvalidatesTheFirstTagOnly,
        Breach::ForgetsWhenFillsBegan,
        Breach::KnowsTagsOfTheBeginningOnly,
        Breach::CallsEveryFillCurrent,
        Breach::NeverSaysOutdated,
        Breach::PeeksWhatWasInvalidated,
    ] {
        assert!(verdict(how, &contract).is_err(), "{how:?} went unnoticed");
    }
}

#[test]
fn the_model_notices_what_is_served_and_must_not_be() {
    let model = async |store: &Broken| agrees_with_the_model(store, 1, 5_000).await;
    assert_eq!(verdict(Breach::Nothing, &model), Ok(()));
    for (how, complaint) in [
        (Breach::LosesEveryEntry, "never had an entry"),
        (Breach::IgnoresInvalidations, "found what was removed"),
        (Breach::IgnoresSoftInvalidations, "outdated, and not said"),
        (Breach::InvalidatesTheFirstTagOnly, "found what was removed"),
        (Breach::ForgetsWhenFillsBegan, "found what was removed"),
        (
            Breach::KnowsTagsOfTheBeginningOnly,
            "found what was removed",
        ),
        (Breach::CallsEveryFillCurrent, "seed 1"),
        (Breach::NeverSaysOutdated, "outdated, and not said"),
    ] {
        let said = verdict(how, &model).expect_err(&format!("{how:?} went unnoticed"));
        assert!(said.contains("seed 1"), "{how:?}: {said}");
        assert!(said.contains(complaint), "{how:?}: {said}");
    }
}
