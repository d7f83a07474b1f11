use exodrive_errors::{ApiError, ErrorCode, FieldViolation};
use garde::Report;

use crate::domain::PeriodError;

/// What is wrong with a JSON body, field by field.
pub(crate) fn invalid_body(report: &Report) -> ApiError {
    let violations = report.iter().map(|(path, error)| {
        FieldViolation::body(
            camel_case(&pointer(&path.to_string())),
            "INVALID",
            error.message().to_owned(),
        )
    });
    ApiError::new(ErrorCode::VALIDATION_ERROR).violations(violations)
}

/// What is wrong with a query string, parameter by parameter.
pub(crate) fn invalid_query(report: &Report) -> ApiError {
    let violations = report.iter().map(|(path, error)| {
        FieldViolation::query(
            pointer(&path.to_string()),
            "INVALID",
            error.message().to_owned(),
        )
    });
    ApiError::new(ErrorCode::VALIDATION_ERROR).violations(violations)
}

/// Two days that are no period; the second is the one to change.
///
/// `place` makes the violation, for example [`FieldViolation::query`].
pub(crate) fn wrong_period(
    error: PeriodError,
    place: impl FnOnce(&'static str, &'static str, String) -> FieldViolation,
) -> ApiError {
    ApiError::new(ErrorCode::VALIDATION_ERROR).violation(place("/to", "INVALID", error.to_string()))
}

/// Days that the query string lacks, as JSON pointers.
pub(crate) fn missing_days(pointers: &[&'static str]) -> ApiError {
    let violations = pointers.iter().map(|pointer| {
        FieldViolation::query(*pointer, "REQUIRED", "must be a day, such as 2026-03-01")
    });
    ApiError::new(ErrorCode::VALIDATION_ERROR).violations(violations)
}

/// The JSON pointer (RFC 6901) of a path such as `drivers[0].first_name`.
fn pointer(path: &str) -> String {
    let path = path.replace(['.', '['], "/").replace(']', "");
    if path.is_empty() {
        path
    } else {
        format!("/{path}")
    }
}

/// The fields of bodies are written in camel case.
fn camel_case(snake_case: &str) -> String {
    let mut words = snake_case.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut name, word| {
        let mut letters = word.chars();
        name.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        name.push_str(letters.as_str());
        name
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_to_fields_as_clients_write_them() {
        for (path, expected) in [
            ("", ""),
            ("city", "/city"),
            ("price_per_day_cents", "/pricePerDayCents"),
            ("drivers[0].first_name", "/drivers/0/firstName"),
        ] {
            assert_eq!(camel_case(&pointer(path)), expected);
        }
    }
}
