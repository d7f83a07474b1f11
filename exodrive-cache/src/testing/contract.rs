//! What a store promises, behaviour by behaviour.

use std::slice::from_ref;
use std::time::Duration;

use super::samples::{Samples, assert_same};
use crate::store::{
    Commit, Found, Invalidated, Invalidation, Opened, Opening, Release, Store, Turn,
};
use crate::{CacheKey, Entry, Tag};

/// Goes through the contract of [`Store`] one promise at a time.
///
/// Every run uses keys and tags of its own, so the store need not be empty. It has to have room for a few entries of up to
/// 64 KiB.
///
/// # Panics
///
/// On the first promise that is broken.
pub async fn keeps_the_contract<St: Store>(store: &St) {
    let on = Bench {
        store,
        samples: Samples::new(),
    };
    on.finds_what_was_stored_as_it_was().await;
    on.finds_nothing_under_another_key_of_the_same_digest()
        .await;
    on.keeps_variants_of_a_key_side_by_side().await;
    on.puts_a_later_entry_in_place_of_an_earlier_one().await;
    on.a_hard_invalidation_removes_what_it_names_and_nothing_else()
        .await;
    on.a_soft_invalidation_outdates_what_it_names_and_nothing_else()
        .await;
    on.what_was_removed_is_not_brought_back_by_a_soft_invalidation()
        .await;
    on.an_invalidation_reaches_every_variant().await;
    on.a_fill_that_was_overtaken_is_never_served().await;
    on.a_fill_that_is_begun_after_an_invalidation_is_stored()
        .await;
    on.a_later_fill_is_not_undone_by_one_that_was_overtaken()
        .await;
    on.says_whether_a_fill_is_current().await;
    on.a_fill_that_is_given_up_leaves_nothing_behind().await;
}

struct Bench<'a, St> {
    store: &'a St,
    samples: Samples,
}

const BOTH: [Invalidation; 2] = [Invalidation::Hard, Invalidation::Soft];

impl<St: Store> Bench<'_, St> {
    fn tags<const N: usize>(&self, names: [&str; N]) -> [Tag; N] {
        names.map(|name| self.samples.tag(name))
    }

    /// Opens a fill that replaces what is there, or returns `None` if another fill keeps the key busy.
    async fn try_open(&self, key: &CacheKey, tags: &[Tag]) -> Option<St::Fill> {
        let found = self.find(key).await;
        let opening = Opening {
            key,
            tags,
            replaces: found.as_ref().map(|found| &*found.entry),
            turn: Turn::Wait,
            replica_lag: Duration::ZERO,
        };
        let opened = self.store.open(opening).await;
        match opened.expect("the store opens a fill") {
            Opened::Fill(fill) => Some(fill),
            Opened::Found(_) => panic!("nobody has filled the key meanwhile"),
            Opened::Busy => None,
        }
    }

    async fn open(&self, key: &CacheKey, tags: &[Tag]) -> St::Fill {
        let opened = self.try_open(key, tags).await;
        opened.expect("nobody else fills the key")
    }

    async fn commit(&self, fill: &St::Fill, entry: &Entry) -> Commit {
        let committed = self.store.commit(fill, entry.clone()).await;
        committed.expect("the store ends a fill")
    }

    /// Fills `key` while nothing else happens.
    async fn fill(&self, key: &CacheKey, tags: &[Tag], body: &str) -> Entry {
        let entry = self.samples.entry(key, tags, body.to_owned());
        let fill = self.open(key, tags).await;
        assert_eq!(self.commit(&fill, &entry).await, Commit::Stored);
        entry
    }

    async fn invalidate(&self, tags: &[Tag], how: Invalidation) {
        let invalidated = self.store.invalidate(tags, how).await;
        let invalidated = invalidated.expect("the store invalidates");
        assert_eq!(invalidated, Invalidated::Applied, "the store is at hand");
    }

    async fn find(&self, key: &CacheKey) -> Option<Found> {
        self.find_tagged(key, &[]).await
    }

    /// Looks up an entry that carries at least `tags`; what the memory says must be what a lookup says.
    async fn find_tagged(&self, key: &CacheKey, tags: &[Tag]) -> Option<Found> {
        let peeked = self.store.peek(key);
        let found = self.store.lookup(key, tags).await;
        let found = found.expect("the store answers");
        if let Some(peeked) = peeked {
            let found = found.as_ref().expect("a lookup finds what the memory has");
            assert_same(&peeked.entry, &found.entry);
            assert_eq!(peeked.outdated, found.outdated, "memory and lookup differ");
        }
        found
    }

    async fn assert_finds(&self, key: &CacheKey, entry: &Entry) {
        let found = self.find(key).await.expect("the entry is there");
        assert_same(&found.entry, entry);
        assert!(!found.outdated, "nothing outdated the entry");
    }

    async fn assert_finds_outdated(&self, key: &CacheKey, entry: &Entry) {
        let found = self.find(key).await.expect("the entry is there");
        assert_same(&found.entry, entry);
        assert!(found.outdated, "an invalidation outdated the entry");
    }

    async fn assert_finds_nothing(&self, key: &CacheKey) {
        assert!(
            self.find(key).await.is_none(),
            "the entry must not be there"
        );
    }

    async fn finds_what_was_stored_as_it_was(&self) {
        let tags = self.tags(["as-1", "as-2"]);
        for (n, body) in ["", "x", &"0123456789abcdef".repeat(4096)]
            .iter()
            .enumerate()
        {
            let key = self.samples.key(&format!("as/{n}"));
            self.assert_finds_nothing(&key).await;
            let entry = self.fill(&key, &tags, body).await;
            self.assert_finds(&key, &entry).await;
            assert!(self.find_tagged(&key, &tags).await.is_some());
            self.assert_finds_nothing(&self.samples.key(&format!("as/{n}/")))
                .await;
        }
    }

    async fn finds_nothing_under_another_key_of_the_same_digest(&self) {
        let key = self.samples.key("digest");
        let entry = self.fill(&key, &[], "mine").await;
        let other = self.samples.key("other").colliding_with(&key);
        self.assert_finds_nothing(&other).await;
        self.assert_finds(&key, &entry).await;
    }

    async fn keeps_variants_of_a_key_side_by_side(&self) {
        let german = self.samples.key_in("variants", "de");
        let french = self.samples.key_in("variants", "fr");
        let hallo = self.fill(&german, &[], "hallo").await;
        self.assert_finds_nothing(&french).await;
        let salut = self.fill(&french, &[], "salut").await;
        self.assert_finds(&german, &hallo).await;
        self.assert_finds(&french, &salut).await;
        let servus = self.fill(&german, &[], "servus").await;
        self.assert_finds(&german, &servus).await;
        self.assert_finds(&french, &salut).await;
    }

    async fn puts_a_later_entry_in_place_of_an_earlier_one(&self) {
        let key = self.samples.key("later");
        let [old, new] = self.tags(["later-1", "later-2"]);
        self.fill(&key, from_ref(&old), "old").await;
        let entry = self.fill(&key, from_ref(&new), "new").await;
        self.assert_finds(&key, &entry).await;
        // The tags of what is gone count no more, those of what is there do.
        self.invalidate(&[old], Invalidation::Hard).await;
        self.assert_finds(&key, &entry).await;
        self.invalidate(&[new], Invalidation::Hard).await;
        self.assert_finds_nothing(&key).await;
    }

    async fn a_hard_invalidation_removes_what_it_names_and_nothing_else(&self) {
        let tags = self.tags(["hard-1", "hard-2", "hard-3"]);
        for named in &tags {
            let key = self.samples.key("hard");
            let untouched = self.samples.key("hard/untouched");
            let others: Vec<Tag> = tags.iter().filter(|tag| *tag != named).cloned().collect();
            let kept = self.fill(&untouched, &others, "kept").await;
            self.fill(&key, &tags, "removed").await;
            self.invalidate(&self.tags(["hard-unknown"]), Invalidation::Hard)
                .await;
            assert!(self.find(&key).await.is_some(), "another tag was named");
            self.invalidate(from_ref(named), Invalidation::Hard).await;
            self.assert_finds_nothing(&key).await;
            self.assert_finds(&untouched, &kept).await;
        }
        // Several at once.
        let keys = ["hard/1", "hard/2", "hard/3"].map(|name| self.samples.key(name));
        for (key, tag) in keys.iter().zip(&tags) {
            self.fill(key, from_ref(tag), "removed").await;
        }
        self.invalidate(&tags, Invalidation::Hard).await;
        for key in &keys {
            self.assert_finds_nothing(key).await;
        }
    }

    async fn a_soft_invalidation_outdates_what_it_names_and_nothing_else(&self) {
        let [named, other] = self.tags(["soft-1", "soft-2"]);
        let key = self.samples.key("soft");
        let untouched = self.samples.key("soft/untouched");
        let entry = self
            .fill(&key, &[named.clone(), other.clone()], "old")
            .await;
        let kept = self.fill(&untouched, from_ref(&other), "kept").await;
        self.invalidate(from_ref(&named), Invalidation::Soft).await;
        self.assert_finds_outdated(&key, &entry).await;
        self.assert_finds(&untouched, &kept).await;
        let fresh = self.fill(&key, &[named, other], "new").await;
        self.assert_finds(&key, &fresh).await;
    }

    async fn what_was_removed_is_not_brought_back_by_a_soft_invalidation(&self) {
        let tags = self.tags(["both"]);
        let key = self.samples.key("both");
        for order in [
            [Invalidation::Soft, Invalidation::Hard],
            [Invalidation::Hard, Invalidation::Soft],
        ] {
            self.fill(&key, &tags, "removed").await;
            for how in order {
                self.invalidate(&tags, how).await;
            }
            self.assert_finds_nothing(&key).await;
        }
    }

    async fn an_invalidation_reaches_every_variant(&self) {
        let tags = self.tags(["variants"]);
        let keys = ["de", "fr"].map(|language| self.samples.key_in("tagged", language));
        for key in &keys {
            self.fill(key, &tags, "removed").await;
        }
        self.invalidate(&tags, Invalidation::Hard).await;
        for key in &keys {
            self.assert_finds_nothing(key).await;
        }
    }

    /// The tag is known when the fill is opened, or only once the handler has answered.
    async fn a_fill_that_was_overtaken_is_never_served(&self) {
        let [early, late] = self.tags(["overtaken-1", "overtaken-2"]);
        for (n, named) in [&early, &late].into_iter().enumerate() {
            for how in BOTH {
                let key = self.samples.key(&format!("overtaken/{n}/{how:?}"));
                let entry = self
                    .samples
                    .entry(&key, &[early.clone(), late.clone()], "made before");
                let fill = self.open(&key, from_ref(&early)).await;
                self.invalidate(from_ref(named), how).await;
                self.commit(&fill, &entry).await;
                let found = self.find_tagged(&key, from_ref(&early)).await;
                match how {
                    Invalidation::Hard => assert!(found.is_none(), "an overtaken fill is served"),
                    Invalidation::Soft => assert!(
                        found.is_none_or(|found| found.outdated),
                        "an overtaken fill passes for fresh"
                    ),
                }
            }
        }
    }

    async fn a_fill_that_is_begun_after_an_invalidation_is_stored(&self) {
        let tags = self.tags(["after"]);
        for how in BOTH {
            let key = self.samples.key("after");
            self.invalidate(&tags, how).await;
            let entry = self.fill(&key, &tags, "made after").await;
            self.assert_finds(&key, &entry).await;
        }
    }

    async fn a_later_fill_is_not_undone_by_one_that_was_overtaken(&self) {
        let tags = self.tags(["late"]);
        let key = self.samples.key("late");
        let slow = self.open(&key, &tags).await;
        self.invalidate(&tags, Invalidation::Hard).await;
        let new = self.samples.entry(&key, &tags, "made after");
        if let Some(fill) = self.try_open(&key, &tags).await {
            self.commit(&fill, &new).await;
        }
        let old = self.samples.entry(&key, &tags, "made before");
        self.commit(&slow, &old).await;
        if let Some(found) = self.find(&key).await {
            assert_same(&found.entry, &new);
        }
    }

    async fn says_whether_a_fill_is_current(&self) {
        let [named, other] = self.tags(["current-1", "current-2"]);
        let key = self.samples.key("current");
        for how in BOTH {
            let fill = self.open(&key, from_ref(&named)).await;
            assert!(
                self.is_current(&fill, &[named.clone(), other.clone()])
                    .await
            );
            self.invalidate(from_ref(&named), how).await;
            assert!(!self.is_current(&fill, from_ref(&named)).await);
            assert!(
                !self
                    .is_current(&fill, &[other.clone(), named.clone()])
                    .await
            );
            self.store.release(&fill, Release::Failed).await;
            let fill = self.open(&key, from_ref(&named)).await;
            assert!(self.is_current(&fill, from_ref(&named)).await);
            self.store.release(&fill, Release::Failed).await;
        }
    }

    async fn is_current(&self, fill: &St::Fill, tags: &[Tag]) -> bool {
        let current = self.store.is_current(fill, tags).await;
        current.expect("the store answers")
    }

    async fn a_fill_that_is_given_up_leaves_nothing_behind(&self) {
        for release in [Release::Failed, Release::Unstorable] {
            let key = self.samples.key(&format!("released/{release:?}"));
            let fill = self.open(&key, &[]).await;
            self.store.release(&fill, release).await;
            self.assert_finds_nothing(&key).await;
            let entry = self.fill(&key, &[], "stored").await;
            let fill = self.open(&key, &[]).await;
            self.store.release(&fill, release).await;
            self.assert_finds(&key, &entry).await;
        }
    }
}
