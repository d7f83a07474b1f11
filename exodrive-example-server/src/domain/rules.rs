//! Rules for input whose messages say what is right, for `#[garde(custom(..))]`.

use std::borrow::Borrow;
use std::fmt::Display;

/// A number from `low` up to and including `high`.
pub(crate) fn within<T: Display + PartialOrd, C>(
    low: T,
    high: T,
) -> impl FnOnce(&T, &C) -> garde::Result {
    move |number, _| {
        if (&low..=&high).contains(&number) {
            Ok(())
        } else {
            Err(garde::Error::new(format_args!(
                "must be a number from {low} to {high}"
            )))
        }
    }
}

/// A name: some text, but not a story.
pub(crate) fn name<C>(text: &str, _: &C) -> garde::Result {
    const LONGEST: usize = 40;
    let length = text.trim().chars().count();
    if (1..=LONGEST).contains(&length) && !text.contains(char::is_control) {
        Ok(())
    } else {
        Err(garde::Error::new(format_args!(
            "must be a name of 1 to {LONGEST} characters"
        )))
    }
}

/// What the rule says of a value, where there is one.
pub(crate) fn optional<T: Borrow<U>, U: ?Sized, C>(
    rule: impl FnOnce(&U, &C) -> garde::Result,
) -> impl FnOnce(&Option<T>, &C) -> garde::Result {
    |value, context| match value {
        Some(value) => rule(value.borrow(), context),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_would_be_right() {
        let error = within(1, 100)(&0, &()).unwrap_err();
        assert_eq!(error.message(), "must be a number from 1 to 100");
        let error = name("  ", &()).unwrap_err();
        assert_eq!(error.message(), "must be a name of 1 to 40 characters");
    }

    #[test]
    fn accepts_both_ends_and_nothing_at_all() {
        assert!(within(1, 100)(&1, &()).is_ok());
        assert!(within(1, 100)(&100, &()).is_ok());
        assert!(name(&"ü".repeat(40), &()).is_ok());
        assert!(name("Ber\0lin", &()).is_err());
        assert!(optional(within(1, 100))(&None::<i32>, &()).is_ok());
        assert!(optional(within(1, 100))(&Some(101), &()).is_err());
    }
}
