//! The promise of the stores, under every order in which things can happen.
//!
//! Writers change a row of a database and invalidate its tag, fills read the row and store what they have made of it,
//! lookups find it and put it into a memory that follows the journal. Each does one step at a time, in any order, and at any
//! moment keys may be evicted, invalidations may fail half-way and be repeated, leases may end and the server may be replaced by
//! one with older data. Every state that can be reached is visited, and in none may
//!
//! - a lookup that begins after an invalidation has returned find anything older,
//! - the memory hold anything older, as soon as it has read every record of the journal.
//!
//! That the search would notice is shown by the flaws: each is a mistake somebody might make.

mod parts;
mod setup;
mod steps;
mod system;

use std::collections::HashSet;

use self::setup::{Budget, Flaw, Setup, Writes};
use self::system::{Broken, State};

/// Visits every state, and returns how many there are, or the first broken promise.
fn search(setup: &Setup) -> Result<usize, Broken> {
    let first = State::first(setup);
    let mut seen = HashSet::from([first.packed()]);
    let mut waiting = vec![first];
    while let Some(state) = waiting.pop() {
        state.next(setup, |next| {
            if seen.insert(next.packed()) {
                waiting.push(next);
            }
        })?;
    }
    Ok(seen.len())
}

const NOTHING: Budget = Budget {
    tag_evictions: 0,
    entry_evictions: 0,
    journal_evictions: 0,
    failures: 0,
    failovers: 0,
    expiries: 0,
};

/// A change, a fill that learns its tag late, a lookup.
const BASE: Setup = Setup {
    writers: &[Writes::Hard],
    early_fills: 0,
    late_fills: 1,
    lookups: 1,
    budget: NOTHING,
    leases: false,
    flaw: None,
};

/// The same with a fill that knows its tag.
const EARLY: Setup = Setup {
    early_fills: 1,
    late_fills: 0,
    ..BASE
};

const EVICTIONS: Budget = Budget {
    tag_evictions: 1,
    entry_evictions: 1,
    ..NOTHING
};

fn holds(setup: Setup) {
    let states = search(&setup).unwrap_or_else(|broken| panic!("{broken:?} in {setup:?}"));
    // Few states would mean that something cannot happen that should.
    assert!(states > 2_000, "only {states} states in {setup:?}");
}

#[test]
fn a_late_tag_is_safe() {
    holds(Setup {
        writers: &[Writes::Hard, Writes::Hard],
        ..BASE
    });
    holds(Setup {
        late_fills: 2,
        lookups: 0,
        budget: EVICTIONS,
        ..BASE
    });
}

#[test]
fn an_early_tag_is_safe() {
    holds(Setup {
        writers: &[Writes::Hard, Writes::Hard],
        lookups: 0,
        budget: EVICTIONS,
        ..EARLY
    });
    holds(Setup {
        early_fills: 2,
        lookups: 0,
        budget: EVICTIONS,
        ..EARLY
    });
    holds(Setup {
        budget: EVICTIONS,
        ..EARLY
    });
}

#[test]
fn invalidations_of_other_tags_change_nothing() {
    holds(Setup {
        writers: &[Writes::Elsewhere, Writes::Hard],
        lookups: 0,
        ..BASE
    });
}

#[test]
fn soft_and_hard_invalidations_go_together() {
    holds(Setup {
        writers: &[Writes::Soft, Writes::Hard],
        lookups: 0,
        ..EARLY
    });
    holds(Setup {
        writers: &[Writes::Soft],
        budget: EVICTIONS,
        ..EARLY
    });
    holds(Setup {
        writers: &[Writes::Soft, Writes::Hard],
        lookups: 0,
        budget: Budget {
            tag_evictions: 1,
            ..NOTHING
        },
        ..BASE
    });
    holds(Setup {
        writers: &[Writes::Soft],
        late_fills: 1,
        early_fills: 1,
        lookups: 1,
        ..BASE
    });
}

#[test]
fn an_instance_knows_its_own_records() {
    holds(Setup {
        writers: &[Writes::Here],
        budget: EVICTIONS,
        ..BASE
    });
    holds(Setup {
        writers: &[Writes::Here, Writes::Hard],
        lookups: 0,
        ..EARLY
    });
}

#[test]
fn a_journal_that_is_lost_costs_misses() {
    let budget = Budget {
        journal_evictions: 1,
        ..NOTHING
    };
    holds(Setup { budget, ..BASE });
    holds(Setup {
        budget,
        early_fills: 1,
        lookups: 0,
        ..BASE
    });
}

#[test]
fn an_invalidation_that_fails_may_be_repeated() {
    let budget = Budget {
        failures: 1,
        ..EVICTIONS
    };
    holds(Setup { budget, ..BASE });
}

#[test]
fn a_server_with_older_data_costs_misses() {
    let budget = Budget {
        failovers: 1,
        ..NOTHING
    };
    holds(Setup { budget, ..EARLY });
    holds(Setup {
        budget,
        lookups: 0,
        ..BASE
    });
}

#[test]
fn leases_are_for_one_at_a_time_and_not_for_safety() {
    let budget = Budget {
        expiries: 1,
        ..NOTHING
    };
    holds(Setup {
        late_fills: 2,
        leases: true,
        lookups: 0,
        ..BASE
    });
    holds(Setup {
        late_fills: 2,
        leases: true,
        budget,
        lookups: 0,
        ..BASE
    });
}

#[test]
fn every_flaw_is_found() {
    let soft = Setup {
        writers: &[Writes::Soft],
        ..EARLY
    };
    let lost = Budget {
        journal_evictions: 1,
        ..NOTHING
    };
    let table = [
        (Flaw::IgnoresJournal, BASE, Broken::Redis),
        (Flaw::IgnoresNames, BASE, Broken::Redis),
        (
            Flaw::IgnoresGaps,
            Setup {
                budget: lost,
                ..BASE
            },
            Broken::Redis,
        ),
        (Flaw::TellsMemoriesTooEarly, BASE, Broken::Memory),
        (Flaw::TellsFillsTooLate, BASE, Broken::Redis),
        (Flaw::CapturesTooLate, EARLY, Broken::Redis),
        (Flaw::PassesMissingTags, EARLY, Broken::Redis),
        (Flaw::IgnoresSoftNumbers, soft, Broken::Redis),
        (
            Flaw::RevivesMissingTags,
            Setup {
                writers: &[Writes::Soft, Writes::Hard, Writes::Soft],
                lookups: 0,
                ..EARLY
            },
            Broken::Redis,
        ),
        (
            Flaw::CountsVersions,
            Setup {
                late_fills: 1,
                ..EARLY
            },
            Broken::Redis,
        ),
        (Flaw::PromotesAtTheEnd, EARLY, Broken::Memory),
        (Flaw::RemembersAtTheEnd, EARLY, Broken::Memory),
        (
            Flaw::ReadsOverGaps,
            Setup {
                budget: lost,
                ..BASE
            },
            Broken::Memory,
        ),
        (
            Flaw::ForgetsEras,
            Setup {
                budget: Budget {
                    failovers: 1,
                    ..NOTHING
                },
                ..EARLY
            },
            Broken::Redis,
        ),
        (Flaw::PromotesOutdated, soft, Broken::Memory),
    ];
    for (flaw, setup, broken) in table {
        let setup = Setup {
            flaw: Some(flaw),
            ..setup
        };
        assert_eq!(search(&setup), Err(broken), "{flaw:?}");
    }
}
