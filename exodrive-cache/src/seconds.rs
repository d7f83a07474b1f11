//! Values of header fields that end in a number of seconds.

use std::sync::OnceLock;

use http::HeaderValue;

/// How many numbers are kept: a little more than an hour.
const KEPT: usize = 1 << 12;

/// Values that are a text and a number of seconds behind it.
///
/// Every hit needs two of them. Small numbers are made once and never freed, so that they cost neither
/// an allocation nor a reference count that all processors fight for.
#[derive(Debug)]
pub(crate) struct Seconds {
    text: &'static str,
    kept: [OnceLock<&'static HeaderValue>; KEPT],
}

impl Seconds {
    /// The numbers behind `text`, which is of visible ASCII and spaces.
    pub(crate) const fn behind(text: &'static str) -> Self {
        Self {
            text,
            kept: [const { OnceLock::new() }; KEPT],
        }
    }

    pub(crate) fn value(&self, seconds: u64) -> HeaderValue {
        let text = || format!("{}{seconds}", self.text);
        let place = usize::try_from(seconds).ok();
        if let Some(kept) = place.and_then(|place| self.kept.get(place)) {
            let make = || &*Box::leak(HeaderValue::from_static(text().leak()).into());
            return HeaderValue::clone(kept.get_or_init(make));
        }
        HeaderValue::try_from(text()).expect("the text and digits are visible ASCII")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_number_reads_as_any_other() {
        static SECONDS: Seconds = Seconds::behind("ttl=");
        let last = KEPT as u64 - 1;
        for seconds in [0, 7, last, last + 1, u64::MAX] {
            for _ in 0..2 {
                assert_eq!(SECONDS.value(seconds), format!("ttl={seconds}"));
            }
        }
    }
}
