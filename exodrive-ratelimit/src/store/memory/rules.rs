//! The rules in use in a shard, so that a cell can name its rule in a few bits.

/// Names a rule of a [`Rules`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RuleId(pub(super) u32);

/// Rules and how many cells name them. There are as many as the limits of a service have sizes: a handful.
#[derive(Debug)]
pub(super) struct Rules<R> {
    used: Vec<(R, u32)>,
}

impl<R: Copy + PartialEq> Rules<R> {
    pub(super) const fn new() -> Self {
        Self { used: Vec::new() }
    }

    /// The rule of a cell; `None` for an id that no cell holds.
    pub(super) fn rule(&self, id: RuleId) -> Option<R> {
        Some(self.used.get(id.0 as usize)?.0)
    }

    /// Counts one more cell under a rule. A rule that no cell is under any more gives up its place.
    pub(super) fn acquire(&mut self, rule: R) -> RuleId {
        let same = self.used.iter().position(|(used, _)| *used == rule);
        let free = || self.used.iter().position(|(_, cells)| *cells == 0);
        let index = same.or_else(free).unwrap_or_else(|| {
            self.used.push((rule, 0));
            self.used.len() - 1
        });
        let (used, cells) = &mut self.used[index];
        *used = rule;
        *cells += 1;
        RuleId(index as u32)
    }

    /// Counts one cell less.
    pub(super) fn release(&mut self, id: RuleId) {
        if let Some((_, cells)) = self.used.get_mut(id.0 as usize) {
            *cells = cells.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_keeps_its_id_for_as_long_as_a_cell_is_under_it() {
        let mut rules = Rules::new();
        let (a, b) = (rules.acquire("a"), rules.acquire("b"));
        assert_eq!(rules.acquire("a"), a);
        rules.release(a);
        assert_eq!(rules.rule(a), Some("a"));
        rules.release(a);
        let c = rules.acquire("c");
        assert_eq!(c, a, "the place is free again");
        assert_eq!((rules.rule(c), rules.rule(b)), (Some("c"), Some("b")));
    }
}
