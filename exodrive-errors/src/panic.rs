//! Catching panics, with the place they came from.

use std::any::Any;
use std::cell::Cell;
use std::panic;
use std::panic::AssertUnwindSafe;
use std::sync::Once;
use std::thread;

thread_local! {
    /// Where the last panic of this thread came from. A thread being torn down has lost it, and does without.
    static LOCATION: Cell<Option<String>> = const { Cell::new(None) };
}

/// A panic, as the log sees it.
#[derive(Debug)]
pub(crate) struct Panicked {
    pub(crate) message: String,
    /// `file:line:column`; unknown when the panic was resumed rather than raised.
    pub(crate) location: Option<String>,
}

/// Remembers, from now on, where panics come from; whatever hook there is keeps being called.
///
/// Only a panic hook is told the place of a panic, and there is one for the whole process.
pub(crate) fn remember_locations() {
    static INSTALLED: Once = Once::new();
    // Setting a hook while panicking would abort; the next layer tries again.
    if thread::panicking() {
        return;
    }
    INSTALLED.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let _ = LOCATION.try_with(|place| place.set(info.location().map(ToString::to_string)));
            previous(info);
        }));
    });
}

/// Runs `work` and catches its panic.
pub(crate) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    let _ = LOCATION.try_with(Cell::take);
    // After a panic nothing that `work` borrowed is used again: callers drop it or answer from elsewhere.
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|payload| Panicked {
        message: message(payload.as_ref()),
        location: LOCATION.try_with(Cell::take).ok().flatten(),
    })
}

fn message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a message".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_message_and_place() {
        remember_locations();
        let panicked = catch(|| panic!("boom {}", 7)).unwrap_err();
        assert_eq!(panicked.message, "boom 7");
        assert!(panicked.location.unwrap().contains("panic.rs:"));
    }

    #[test]
    fn does_not_blame_an_earlier_panic_for_a_resumed_one() {
        remember_locations();
        let _ = panic::catch_unwind(|| panic!("earlier"));
        let resume = || panic::resume_unwind(Box::new("resumed"));
        let panicked = catch::<()>(resume).unwrap_err();
        assert_eq!(panicked.message, "resumed");
        assert_eq!(panicked.location, None);
    }

    #[test]
    fn survives_a_payload_of_any_type() {
        let panicked = catch(|| panic::panic_any(7_u8)).unwrap_err();
        assert_eq!(panicked.message, "a panic without a message");
    }
}
