use std::fmt::Write;

use serde_json::Value;
use serde_json::json;

use super::ErrorCode;

/// Every code a service can answer with: the standard ones and its own.
///
/// ```
/// use exodrive_errors::{Catalogue, ErrorCode};
/// use http::StatusCode;
///
/// const CAR_UNAVAILABLE: ErrorCode = ErrorCode::new("CAR_UNAVAILABLE", StatusCode::CONFLICT)
///     .message("This car is already booked for these dates");
/// const CATALOGUE: Catalogue = Catalogue::new(&[CAR_UNAVAILABLE]);
///
/// assert!(CATALOGUE.to_markdown().contains("| `CAR_UNAVAILABLE` | 409 |"));
/// assert_eq!(CATALOGUE.find("CAR_UNAVAILABLE"), Some(CAR_UNAVAILABLE));
/// ```
///
/// A name used twice does not compile when the catalogue is a constant:
///
/// ```compile_fail
/// # use exodrive_errors::{Catalogue, ErrorCode};
/// const TWICE: Catalogue = Catalogue::new(&[ErrorCode::NOT_FOUND]);
/// # let _ = TWICE;
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Catalogue {
    own: &'static [ErrorCode],
}

impl Catalogue {
    /// Gathers `own`, the codes of an application, behind the standard ones.
    ///
    /// # Panics
    ///
    /// If two codes, the standard ones included, share a name; in a constant that is a compile error.
    #[must_use]
    pub const fn new(own: &'static [ErrorCode]) -> Self {
        let mut index = 0;
        while index < own.len() {
            let name = own[index].name();
            assert!(
                !contains(ErrorCode::STANDARD, ErrorCode::STANDARD.len(), name),
                "an error code of the application has the name of a standard one"
            );
            assert!(
                !contains(own, index, name),
                "two error codes share one name"
            );
            index += 1;
        }
        Self { own }
    }

    /// The codes, standard ones first.
    pub fn iter(&self) -> impl Iterator<Item = ErrorCode> + use<> {
        ErrorCode::STANDARD.iter().chain(self.own).copied()
    }

    /// The code of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<ErrorCode> {
        self.iter().find(|code| code.name() == name)
    }

    /// A Markdown table of code, status, message, next steps and whether to retry.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut table = String::from(
            "| code | status | message | next steps | retry |\n|---|---|---|---|---|\n",
        );
        for code in self.iter() {
            // Writing to a `String` cannot fail.
            let _ = writeln!(
                table,
                "| `{}` | {} | {} | {} | {} |",
                code.name(),
                code.status().as_u16(),
                cell(code.default_message()),
                cell(&code.steps().join(" ")),
                if code.is_retryable() { "yes" } else { "no" },
            );
        }
        table
    }

    /// A JSON document to serve, for instance at `GET /errors`.
    ///
    /// Shape: `{"errors": [{"code", "status", "message", "help": [..], "retryable"}]}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let errors: Vec<Value> = self
            .iter()
            .map(|code| {
                json!({
                    "code": code.name(),
                    "status": code.status().as_u16(),
                    "message": code.default_message(),
                    "help": code.steps(),
                    "retryable": code.is_retryable(),
                })
            })
            .collect();
        json!({ "errors": errors })
    }
}

/// A pipe or a line break inside a cell would end it.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}

/// Whether one of the first `count` codes has this name.
const fn contains(codes: &[ErrorCode], count: usize, name: &str) -> bool {
    let mut index = 0;
    while index < count {
        if same(codes[index].name().as_bytes(), name.as_bytes()) {
            return true;
        }
        index += 1;
    }
    false
}

/// `==` of slices, which a `const fn` cannot call.
const fn same(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut index = 0;
    while index < left.len() {
        if left[index] != right[index] {
            return false;
        }
        index += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use http::StatusCode;

    use super::*;

    #[test]
    fn lists_every_standard_code_once() {
        let names: HashSet<_> = Catalogue::new(&[]).iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), 19);
        assert_eq!(names.len(), ErrorCode::STANDARD.len());
    }

    #[test]
    fn escapes_what_would_end_a_table_cell() {
        const ODD: ErrorCode = ErrorCode::new("ODD_TEXT", StatusCode::CONFLICT).message("a|b\nc");
        let markdown = Catalogue::new(&[ODD]).to_markdown();
        assert!(markdown.ends_with("| `ODD_TEXT` | 409 | a\\|b c |  | no |\n"));
    }

    #[test]
    fn serves_message_help_and_retry_as_json() {
        const CODE: ErrorCode = ErrorCode::new("OUT_OF_CARS", StatusCode::SERVICE_UNAVAILABLE)
            .message("No car left")
            .help("Try another city.")
            .retryable(true);
        let document = Catalogue::new(&[CODE]).to_json();
        let last = document["errors"].as_array().unwrap().last().unwrap();
        assert_eq!(
            *last,
            json!({"code": "OUT_OF_CARS", "status": 503, "message": "No car left",
                   "help": ["Try another city."], "retryable": true})
        );
    }

    #[test]
    #[should_panic(expected = "two error codes share one name")]
    fn refuses_a_name_used_twice() {
        const CODE: ErrorCode = ErrorCode::new("TWICE", StatusCode::CONFLICT);
        let _ = Catalogue::new(&[CODE, CODE]);
    }
}
