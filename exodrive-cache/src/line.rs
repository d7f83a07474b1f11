//! Values of header fields that are made for each answer.

use http::HeaderValue;
use smallvec::SmallVec;

/// A value, written on the stack and copied once when it is known how long it is.
#[derive(Debug, Default)]
pub(crate) struct Line(SmallVec<[u8; 64]>);

impl Line {
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    pub(crate) fn number(&mut self, number: u64) -> &mut Self {
        self.text(itoa::Buffer::new().format(number))
    }

    /// Returns the value.
    ///
    /// # Panics
    ///
    /// If the text was not of visible ASCII and spaces.
    pub(crate) fn value(&self) -> HeaderValue {
        HeaderValue::from_bytes(&self.0).expect("the text of a line is visible ASCII")
    }
}
