//! The fields of events that come as data.

use std::borrow::Cow;

use serde_json::Value;

/// Returns the text of the field at a path such as `car.id`, if it has one.
pub(crate) fn text<'v>(event: &'v Value, path: &str) -> Option<Cow<'v, str>> {
    let field = path
        .split('.')
        .try_fold(event, |value, name| value.get(name))?;
    match field {
        Value::String(text) => Some(text.into()),
        Value::Number(number) => Some(number.to_string().into()),
        Value::Bool(truth) => Some(truth.to_string().into()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn finds_what_has_a_text() {
        let event = json!({"id": 7, "car": {"shop": "berlin", "old": true, "price": null}});
        let rows = [
            ("id", Some("7")),
            ("car.shop", Some("berlin")),
            ("car.old", Some("true")),
            ("car.price", None),
            ("car", None),
            ("id.shop", None),
            ("", None),
        ];
        for (path, expected) in rows {
            assert_eq!(text(&event, path).as_deref(), expected, "{path}");
        }
    }
}
