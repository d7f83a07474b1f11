//! What a store promises, behaviour by behaviour.

use std::time::Duration;

use super::TestClock;
use super::comparison::receipts_of;
use crate::store::{Charge, Receipt, Store, Verdict};
use crate::time::{MINUTE, SECOND};
use crate::{Limit, Quota, Rule, Subject};

/// Goes through the contract of [`Store`] one promise at a time.
///
/// Every promise uses limits of its own, so the store need not be empty.
///
/// # Panics
///
/// On the first promise that is broken.
pub async fn keeps_the_contract<S: Store>(store: &S, clock: &impl TestClock) {
    let on = Bench { store, clock };
    on.admits_up_to_the_limit_and_says_when_there_is_room_again()
        .await;
    on.charges_nothing_when_one_of_several_limits_refuses()
        .await;
    on.shadow_limits_never_refuse_and_are_charged_with_the_rest()
        .await;
    on.tells_limits_and_kinds_of_subjects_apart().await;
    on.a_refund_makes_room_in_the_window_that_was_charged()
        .await;
    on.a_late_refund_makes_no_room_in_a_newer_window().await;
    on.a_refund_of_what_has_drained_makes_no_room().await;
    on.a_higher_cost_is_charged_beyond_the_limit().await;
    on.what_costs_nothing_is_always_admitted().await;
    on.what_costs_more_than_the_limit_never_fits().await;
    on.a_new_size_of_a_limit_keeps_what_was_used().await;
}

struct Bench<'a, S, C> {
    store: &'a S,
    clock: &'a C,
}

/// A subject before a limit.
struct At {
    limit: &'static str,
    rule: Rule,
    subject: Subject,
}

impl At {
    fn new(limit: &Limit, name: &'static str) -> Self {
        Self {
            limit: name,
            rule: limit.way.rule().expect("the rule can be kept"),
            subject: Subject::user("u"),
        }
    }

    fn window(name: &'static str, max: u32) -> Self {
        Self::new(&Limit::sliding_window(name, max, MINUTE), name)
    }

    fn rate(name: &'static str, quota: Quota) -> Self {
        Self::new(&Limit::gcra(name, quota), name)
    }

    fn costs(&self, cost: u32) -> Charge<'_> {
        Charge::new(self.limit, &self.subject, &self.rule, cost, false)
    }

    fn costs_in_shadow(&self, cost: u32) -> Charge<'_> {
        Charge::new(self.limit, &self.subject, &self.rule, cost, true)
    }
}

impl<S: Store, C: TestClock> Bench<'_, S, C> {
    async fn check(&self, charges: &[Charge<'_>]) -> Verdict {
        let verdict = self.store.check(charges).await.expect("the store answers");
        assert_eq!(
            verdict.readings().len(),
            charges.len(),
            "a reading for each charge"
        );
        verdict
    }

    async fn admits(&self, at: &At, cost: u32) -> bool {
        self.check(&[at.costs(cost)]).await.admitted()
    }

    async fn remaining(&self, at: &At) -> u32 {
        self.check(&[at.costs(0)]).await.readings()[0].remaining()
    }

    async fn charge(&self, at: &At, cost: u32) -> Receipt {
        let charges = [at.costs(cost)];
        let verdict = self.check(&charges).await;
        receipts_of(&charges, &verdict)
            .pop()
            .expect("the charge is made")
    }

    async fn settle(&self, receipt: Receipt, cost: u32) {
        let settlements = Vec::from_iter(receipt.settle(cost));
        let settled = self.store.settle(settlements).await;
        settled.expect("the store settles");
    }

    async fn admits_up_to_the_limit_and_says_when_there_is_room_again(&self) {
        for at in [
            At::window("contract-1", 5),
            At::rate("contract-2", Quota::per_second(1).burst(5)),
        ] {
            for left in (0..5).rev() {
                let verdict = self.check(&[at.costs(1)]).await;
                assert!(verdict.admitted());
                assert_eq!(verdict.readings()[0].remaining(), left);
            }
            let refused = self.check(&[at.costs(1)]).await;
            let wait = refused.readings()[0].retry_after().expect("an end");
            assert!(!refused.admitted() && wait > Duration::ZERO);
            self.clock.advance(wait - Duration::from_micros(1)).await;
            assert!(!self.admits(&at, 1).await, "no room before its time");
            self.clock.advance(Duration::from_micros(1)).await;
            assert!(self.admits(&at, 1).await, "room at its time");
        }
    }

    async fn charges_nothing_when_one_of_several_limits_refuses(&self) {
        let wide = At::window("contract-3", 10);
        let narrow = At::rate("contract-4", Quota::per_minute(1));
        assert!(
            self.check(&[wide.costs(1), narrow.costs(1)])
                .await
                .admitted()
        );
        for _ in 0..20 {
            let refused = self.check(&[wide.costs(1), narrow.costs(1)]).await;
            assert!(!refused.admitted());
            assert!(refused.readings()[0].fits() && !refused.readings()[1].fits());
            assert!(
                refused
                    .readings()
                    .iter()
                    .all(|reading| reading.stamp().is_none())
            );
        }
        assert_eq!(self.remaining(&wide).await, 9);
    }

    async fn shadow_limits_never_refuse_and_are_charged_with_the_rest(&self) {
        let shadow = At::window("contract-5", 2);
        let real = At::window("contract-6", 3);
        for fits in [true, true, false] {
            let verdict = self
                .check(&[shadow.costs_in_shadow(1), real.costs(1)])
                .await;
            assert!(verdict.admitted());
            assert_eq!(verdict.readings()[0].fits(), fits);
        }
        let other = At::window("contract-7", 2);
        let refused = self.check(&[other.costs_in_shadow(1), real.costs(1)]).await;
        assert!(!refused.admitted());
        assert_eq!(
            self.remaining(&other).await,
            2,
            "not charged for a refused request"
        );
    }

    async fn tells_limits_and_kinds_of_subjects_apart(&self) {
        let mut at = At::window("contract-8", 1);
        assert!(self.admits(&at, 1).await);
        for subject in [
            Subject::api_key("u"),
            Subject::custom("user", "u"),
            Subject::custom("use", "ru"),
            Subject::user("uu"),
        ] {
            at.subject = subject;
            assert!(self.admits(&at, 1).await, "{:?}", at.subject);
            assert!(!self.admits(&at, 1).await, "{:?}", at.subject);
        }
        assert!(self.admits(&At::window("contract-9", 1), 1).await);
    }

    async fn a_refund_makes_room_in_the_window_that_was_charged(&self) {
        for at in [
            At::window("contract-10", 5),
            At::rate("contract-11", Quota::per_hour(5)),
        ] {
            let receipt = self.charge(&at, 5).await;
            self.clock.advance(SECOND).await;
            self.settle(receipt, 2).await;
            assert_eq!(self.remaining(&at).await, 3);
        }
    }

    async fn a_late_refund_makes_no_room_in_a_newer_window(&self) {
        let at = At::window("contract-12", 5);
        let receipt = self.charge(&at, 5).await;
        self.clock.advance(2 * MINUTE).await;
        assert!(self.admits(&at, 4).await);
        self.settle(receipt, 0).await;
        assert_eq!(self.remaining(&at).await, 1);
    }

    async fn a_refund_of_what_has_drained_makes_no_room(&self) {
        let at = At::rate("contract-13", Quota::per_second(1).burst(5));
        let receipt = self.charge(&at, 5).await;
        self.clock.advance(4 * SECOND).await;
        assert!(self.admits(&at, 4).await);
        self.settle(receipt, 0).await;
        assert_eq!(
            self.remaining(&at).await,
            1,
            "one of the five was left to give back"
        );
    }

    async fn a_higher_cost_is_charged_beyond_the_limit(&self) {
        for at in [
            At::window("contract-14", 5),
            At::rate("contract-15", Quota::per_second(1).burst(5)),
        ] {
            let receipt = self.charge(&at, 1).await;
            self.settle(receipt, 12).await;
            let refused = self.check(&[at.costs(1)]).await;
            assert!(!refused.admitted());
            assert_eq!(refused.readings()[0].remaining(), 0);
            self.clock.advance(7 * SECOND).await;
            assert!(!self.admits(&at, 1).await, "the debt is paid off first");
            self.clock.advance(2 * MINUTE).await;
            assert!(self.admits(&at, 5).await);
        }
    }

    async fn what_costs_nothing_is_always_admitted(&self) {
        let at = At::window("contract-16", 1);
        assert!(self.admits(&at, 1).await);
        assert!(self.admits(&at, 0).await);
        assert!(!self.admits(&at, 1).await);
    }

    async fn what_costs_more_than_the_limit_never_fits(&self) {
        for at in [
            At::window("contract-17", 5),
            At::rate("contract-18", Quota::per_second(1).burst(5)),
        ] {
            let refused = self.check(&[at.costs(6)]).await;
            assert!(!refused.admitted());
            assert_eq!(refused.readings()[0].retry_after(), None);
            assert!(self.admits(&at, 5).await, "nothing was charged");
        }
    }

    async fn a_new_size_of_a_limit_keeps_what_was_used(&self) {
        let before = At::rate("contract-19", Quota::per_minute(60));
        assert!(self.admits(&before, 60).await);
        let after = At::rate("contract-19", Quota::per_hour(600));
        assert_eq!(self.remaining(&after).await, 540);

        let before = At::window("contract-20", 60);
        assert!(self.admits(&before, 60).await);
        let longer = Limit::sliding_window("contract-20", 600, 2 * MINUTE);
        let after = At::new(&longer, "contract-20");
        assert_eq!(self.remaining(&after).await, 540);
        assert!(self.admits(&after, 540).await);
        self.clock.advance(2 * MINUTE).await;
        self.clock.advance(30 * SECOND).await;
        assert_eq!(self.remaining(&after).await, 600);
    }
}
