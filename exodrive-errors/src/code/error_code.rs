use std::fmt;
use std::hash::Hash;
use std::hash::Hasher;

use http::StatusCode;

/// How many next steps one code can carry.
const MAX_STEPS: usize = 4;

/// The machine-readable name of a failure, with everything that is always true of it.
///
/// A code is part of the contract with the clients of an API: once published, its name keeps its meaning.
/// The standard codes are associated constants; an application adds its own in the same form.
/// Two codes are equal when their names are.
///
/// ```
/// use exodrive_errors::ErrorCode;
/// use http::StatusCode;
///
/// pub const CAR_UNAVAILABLE: ErrorCode = ErrorCode::new("CAR_UNAVAILABLE", StatusCode::CONFLICT)
///     .message("This car is already booked for these dates")
///     .help("Choose other dates or another car.");
///
/// assert_eq!(CAR_UNAVAILABLE.name(), "CAR_UNAVAILABLE");
/// assert_eq!(CAR_UNAVAILABLE.status(), StatusCode::CONFLICT);
/// assert_eq!(CAR_UNAVAILABLE.steps(), ["Choose other dates or another car."]);
/// ```
///
/// A name or status that breaks the rules does not compile when the code is a constant:
///
/// ```compile_fail
/// # use exodrive_errors::ErrorCode;
/// # use http::StatusCode;
/// const LOWER_CASE: ErrorCode = ErrorCode::new("car_unavailable", StatusCode::CONFLICT);
/// # let _ = LOWER_CASE;
/// ```
///
/// ```compile_fail
/// # use exodrive_errors::ErrorCode;
/// # use http::StatusCode;
/// const NOT_A_FAILURE: ErrorCode = ErrorCode::new("CAR_FOUND", StatusCode::OK);
/// # let _ = NOT_A_FAILURE;
/// ```
#[derive(Clone, Copy)]
pub struct ErrorCode {
    name: &'static str,
    status: StatusCode,
    message: &'static str,
    steps: [&'static str; MAX_STEPS],
    step_count: usize,
    retryable: bool,
}

impl ErrorCode {
    /// Names a failure and the status it is answered with.
    ///
    /// The name matches `[A-Z][A-Z0-9_]+[A-Z0-9]` and has at most 63 characters, the rule of Google's AIP-193.
    /// The message defaults to the name, there is no next step, and the code is not retryable.
    ///
    /// # Panics
    ///
    /// If the name breaks that rule or `status` is neither 4xx nor 5xx; in a constant that is a compile error.
    #[must_use]
    pub const fn new(name: &'static str, status: StatusCode) -> Self {
        assert!(
            is_valid_name(name),
            "an error code is 3 to 63 characters of [A-Z0-9_], starts with a letter and does not end with _"
        );
        assert!(
            status.as_u16() >= 400 && status.as_u16() <= 599,
            "an error code has a 4xx or 5xx status"
        );
        Self {
            name,
            status,
            message: name,
            steps: [""; MAX_STEPS],
            step_count: 0,
            retryable: false,
        }
    }

    /// Sets the message a client reads when the error brings none of its own, in plain language.
    #[must_use]
    pub const fn message(mut self, message: &'static str) -> Self {
        self.message = message;
        self
    }

    /// Adds one next step for the client, in plain language; at most four, in the order they are added.
    ///
    /// # Panics
    ///
    /// On the fifth step; in a constant that is a compile error.
    #[must_use]
    pub const fn help(mut self, step: &'static str) -> Self {
        assert!(
            self.step_count < MAX_STEPS,
            "an error code has at most four next steps"
        );
        self.steps[self.step_count] = step;
        self.step_count += 1;
        self
    }

    /// Says whether the same request may succeed later without a change. Defaults to `false`.
    #[must_use]
    pub const fn retryable(mut self, retryable: bool) -> Self {
        self.retryable = retryable;
        self
    }

    /// The name, as it appears in `error.code` and in `x-error-code`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The status this code is answered with.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The message used when the error brings none of its own.
    #[must_use]
    pub const fn default_message(&self) -> &'static str {
        self.message
    }

    /// The next steps, in order; empty unless [`help`](Self::help) added some.
    #[must_use]
    pub fn steps(&self) -> &[&'static str] {
        &self.steps[..self.step_count]
    }

    /// Whether the same request may succeed later without a change.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        self.retryable
    }

    /// The same code answered with another status, for [`ErrorCode::for_status`].
    pub(super) const fn answered_with(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }
}

impl PartialEq for ErrorCode {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for ErrorCode {}

impl Hash for ErrorCode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ErrorCode({} {})", self.status.as_u16(), self.name)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

const fn is_valid_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let length = bytes.len();
    if length < 3 || length > 63 || !bytes[0].is_ascii_uppercase() || bytes[length - 1] == b'_' {
        return false;
    }
    let mut index = 0;
    while index < length {
        let byte = bytes[index];
        if !(byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_') {
            return false;
        }
        index += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_exactly_the_names_of_aip_193() {
        let longest = "A".repeat(63);
        for name in ["ABC", "A1B", "RATE_LIMITED", "A_9", longest.as_str()] {
            assert!(is_valid_name(name), "{name}");
        }
        let too_long = "A".repeat(64);
        for name in [
            "", "A", "AB", "abc", "1AB", "_AB", "AB_", "A-B", "A B", "ABÉ", &too_long,
        ] {
            assert!(!is_valid_name(name), "{name}");
        }
    }

    #[test]
    fn keeps_next_steps_in_order() {
        let code = ErrorCode::new("TWO_STEPS", StatusCode::CONFLICT)
            .help("First.")
            .help("Then.");
        assert_eq!(code.steps(), ["First.", "Then."]);
    }

    #[test]
    fn compares_by_name_alone() {
        let teapot = ErrorCode::for_status(StatusCode::IM_A_TEAPOT);
        assert_eq!(teapot, ErrorCode::INVALID_REQUEST);
        assert_ne!(teapot, ErrorCode::NOT_FOUND);
    }
}
