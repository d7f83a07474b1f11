use std::collections::BTreeMap;

use super::Order;

/// The orders that an instance knows, at most one for each switch.
///
/// Of two the later one holds, wherever they were given and in whatever order they are heard of. So all instances that
/// have heard of the same orders agree.
#[derive(Debug, Default)]
pub(super) struct Board {
    orders: BTreeMap<String, Given>,
}

/// An order, and when it was given.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Given {
    pub(super) order: Order,
    /// In microseconds since 1970.
    pub(super) at: u64,
}

impl Board {
    /// Takes an order that is given here and now, in microseconds since 1970.
    ///
    /// It is later than any that is known, even if this instance's clock is behind that of another one.
    pub(super) fn take(&mut self, order: Order, now: u64) {
        let switch = order.switch();
        let known = self.orders.get(&switch);
        let at = known.map_or(now, |known| now.max(known.at.saturating_add(1)));
        self.orders.insert(switch, Given { order, at });
    }

    /// Every order, to be told to the others.
    pub(super) fn all(&self) -> Vec<Given> {
        self.orders.values().cloned().collect()
    }

    /// Takes what the others agree on, and returns what that changes.
    pub(super) fn hear(&mut self, agreed: impl IntoIterator<Item = Given>) -> Vec<Order> {
        let mut changed = Vec::new();
        for heard in agreed {
            let switch = heard.order.switch();
            let known = self.orders.get(&switch);
            // Of two that were given at once, all take the one that they heard of from each other.
            if known.is_some_and(|known| heard.at < known.at) {
                continue;
            }
            if known.is_none_or(|known| known.order != heard.order) {
                changed.push(heard.order.clone());
            }
            self.orders.insert(switch, heard);
        }
        changed
    }

    /// Whether an order says otherwise than the start did.
    pub(super) fn overrides(&self, switch: &str) -> bool {
        let given = self.orders.get(switch);
        given.is_some_and(|given| given.order.is_override())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::{Feature, Rollout};

    fn limiting(percent: u8) -> Order {
        Order::Feature(Feature::RateLimiting, Rollout::percent(percent))
    }

    fn given(order: Order, at: u64) -> Given {
        Given { order, at }
    }

    #[test]
    fn the_later_order_holds_in_whatever_order_they_are_heard() {
        let (early, late) = (given(limiting(10), 7), given(limiting(20), 8));
        let mut board = Board::default();
        assert_eq!(board.hear([early.clone()]), [limiting(10)]);
        assert_eq!(board.hear([late.clone()]), [limiting(20)]);
        assert_eq!(board.hear([late.clone()]), []);
        assert_eq!(board.hear([early]), []);
        assert_eq!(board.all(), [late]);
    }

    #[test]
    fn an_order_given_here_is_later_than_all_that_are_known() {
        let mut board = Board::default();
        board.hear([given(limiting(10), 1_000)]);
        board.take(limiting(20), 5);
        assert_eq!(board.hear([given(limiting(10), 1_000)]), []);
        assert_eq!(board.all(), [given(limiting(20), 1_001)]);
        board.take(limiting(30), 2_000);
        assert_eq!(board.all(), [given(limiting(30), 2_000)]);
    }

    #[test]
    fn gives_way_to_what_the_others_took_of_two_orders_at_once() {
        let mut board = Board::default();
        board.take(limiting(10), 5);
        assert_eq!(board.hear([given(limiting(20), 5)]), [limiting(20)]);
    }

    #[test]
    fn keeps_one_order_for_each_switch() {
        let caching = Order::Feature(Feature::RedisCache, Some(Rollout::OFF));
        let mut board = Board::default();
        board.take(limiting(10), 5);
        board.take(caching.clone(), 5);
        board.take(limiting(20), 6);
        assert_eq!(board.all(), [given(limiting(20), 6), given(caching, 5)]);
    }

    #[test]
    fn knows_what_overrides_the_start() {
        let mut board = Board::default();
        let switch = limiting(0).switch();
        assert!(!board.overrides(&switch));
        board.take(limiting(0), 5);
        assert!(board.overrides(&switch));
        board.take(Order::Feature(Feature::RateLimiting, None), 6);
        assert!(!board.overrides(&switch));
    }
}
