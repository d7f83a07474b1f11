//! A store beside a plain model of what it may serve.

use std::collections::HashMap;
use std::time::Duration;

use fastrand::Rng;

use super::samples::Samples;
use crate::store::{Commit, Found, Invalidation, Opened, Opening, Store, Turn};
use crate::{CacheKey, Tag};

const KEYS: usize = 4;
const TAGS: usize = 6;
const OPEN_FILLS: usize = 8;

/// Does so many random `operations` on a store and asserts after each that nothing is served that an invalidation forbids.
///
/// Fills are opened and committed in any order, with invalidations in between, and carry tags that were not known when
/// they were opened. A store may lose entries at any time, but not all of them. The operations depend on `seed` alone, which
/// is part of every failure's message.
///
/// # Panics
///
/// On the first answer that must not be given, and if no entry was ever found.
pub async fn agrees_with_the_model<St: Store>(store: &St, seed: u64, operations: usize) {
    let samples = Samples::new();
    let tags: Vec<Tag> = (0..TAGS).map(|n| samples.tag(&n.to_string())).collect();
    let keys: Vec<CacheKey> = (0..KEYS).map(|n| samples.key(&n.to_string())).collect();
    let mut random = Rng::with_seed(seed);
    let mut model = Model::default();
    let mut fills: Vec<(OpenFill, St::Fill)> = Vec::new();
    let mut found = 0;
    for operation in 0..operations {
        let context = format!("seed {seed}, operation {operation}");
        match random.usize(..8) {
            0 | 1 if fills.len() < OPEN_FILLS => {
                let key = random.usize(..KEYS);
                let known: Vec<usize> = some_tags(&mut random);
                let replaces = store.peek(&keys[key]);
                let opening = Opening {
                    key: &keys[key],
                    tags: &named(&tags, &known),
                    replaces: replaces.as_ref().map(|found| &*found.entry),
                    turn: Turn::Yield,
                    replica_lag: Duration::ZERO,
                };
                let opened = store.open(opening).await;
                match opened.expect("the store opens a fill") {
                    Opened::Fill(fill) => {
                        let opened_at = model.now;
                        fills.push((
                            OpenFill {
                                key,
                                known,
                                opened_at,
                            },
                            fill,
                        ));
                    }
                    Opened::Found(found) => model.assert_may_serve(key, &found, &context),
                    Opened::Busy => {}
                }
            }
            0..=3 if !fills.is_empty() => {
                let (open, fill) = fills.swap_remove(random.usize(..fills.len()));
                let mut carried = open.known;
                carried.extend(some_tags(&mut random));
                let entry = samples.entry(
                    &keys[open.key],
                    &named(&tags, &carried),
                    operation.to_string(),
                );
                let commit = store.commit(&fill, entry).await;
                if commit.expect("the store ends a fill") == Commit::Stored {
                    let stored = Stored {
                        body: operation.to_string(),
                        tags: carried,
                        opened_at: open.opened_at,
                    };
                    model.stored.insert(open.key, stored);
                }
            }
            4 => {
                let how = if random.u8(..3) == 0 {
                    Invalidation::Soft
                } else {
                    Invalidation::Hard
                };
                let invalidated = some_tags(&mut random);
                let outcome = store.invalidate(&named(&tags, &invalidated), how).await;
                outcome.expect("the store invalidates");
                model.invalidate(&invalidated, how);
            }
            _ => {
                if let Some((open, fill)) = fills.last()
                    && !model.is_current(open.opened_at, &open.known)
                {
                    let current = store.is_current(fill, &named(&tags, &open.known)).await;
                    assert!(!current.expect("the store answers"), "{context}");
                }
            }
        }
        let key = random.usize(..KEYS);
        let lookup = store.lookup(&keys[key], &[]).await;
        let lookup = lookup.expect("the store answers");
        for answer in [store.peek(&keys[key]), lookup].into_iter().flatten() {
            found += 1;
            model.assert_may_serve(key, &answer, &context);
        }
    }
    assert!(found > 0, "seed {seed}: the store never had an entry");
}

/// Some of the tags' numbers, mostly one of them.
fn some_tags(random: &mut Rng) -> Vec<usize> {
    let count = if random.u8(..4) == 0 {
        random.usize(..4)
    } else {
        1
    };
    (0..count).map(|_| random.usize(..TAGS)).collect()
}

fn named(tags: &[Tag], numbers: &[usize]) -> Vec<Tag> {
    numbers.iter().map(|n| tags[*n].clone()).collect()
}

struct OpenFill {
    key: usize,
    known: Vec<usize>,
    opened_at: u64,
}

struct Stored {
    body: String,
    tags: Vec<usize>,
    opened_at: u64,
}

/// What was stored, and when which tag was invalidated last. Its time is the number of invalidations.
#[derive(Default)]
struct Model {
    now: u64,
    hard: [u64; TAGS],
    soft: [u64; TAGS],
    stored: HashMap<usize, Stored>,
}

impl Model {
    fn invalidate(&mut self, tags: &[usize], how: Invalidation) {
        self.now += 1;
        let last = match how {
            Invalidation::Hard => &mut self.hard,
            Invalidation::Soft => &mut self.soft,
        };
        for tag in tags {
            last[*tag] = self.now;
        }
    }

    fn is_current(&self, since: u64, tags: &[usize]) -> bool {
        let is_later = |tag: &usize| self.hard[*tag] > since || self.soft[*tag] > since;
        !tags.iter().any(is_later)
    }

    fn assert_may_serve(&self, key: usize, found: &Found, context: &str) {
        let stored = self.stored.get(&key);
        let stored = stored.unwrap_or_else(|| panic!("{context}: found what was never stored"));
        let body = String::from_utf8_lossy(found.entry.body());
        assert_eq!(
            body, stored.body,
            "{context}: not the entry that was stored last"
        );
        let since = stored.opened_at;
        let removed = stored.tags.iter().any(|tag| self.hard[*tag] > since);
        assert!(!removed, "{context}: found what was removed");
        let is_outdated = stored.tags.iter().any(|tag| self.soft[*tag] > since);
        assert!(
            found.outdated || !is_outdated,
            "{context}: outdated, and not said"
        );
    }
}
