use std::collections::BTreeMap;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::Catalogue;
use super::ErrorCode;

impl Catalogue {
    /// The `components` of an OpenAPI 3.1 document: the schemas of the envelope, and one response for each status.
    ///
    /// OpenAPI allows one response per status, so the codes of a status are its named examples.
    /// Operations refer to `#/components/responses/Error409`, programs to `#/components/schemas/ErrorEnvelope`.
    ///
    /// ```
    /// use exodrive_errors::Catalogue;
    ///
    /// let components = Catalogue::new(&[]).to_openapi();
    /// let examples = components
    ///     .pointer("/responses/Error500/content/application~1json/examples")
    ///     .unwrap();
    /// assert_eq!(examples["DATABASE_ERROR"]["value"]["status"], 500);
    /// ```
    #[must_use]
    pub fn to_openapi(&self) -> Value {
        let mut by_status: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
        for code in self.iter() {
            by_status
                .entry(code.status().as_u16())
                .or_default()
                .push(code);
        }
        let responses: Map<String, Value> = by_status
            .into_iter()
            .map(|(status, codes)| (format!("Error{status}"), response(&codes)))
            .collect();
        json!({ "schemas": schemas(), "responses": responses })
    }
}

/// The response of one status, with an example for each of its codes.
fn response(codes: &[ErrorCode]) -> Value {
    let names: Vec<&str> = codes.iter().map(ErrorCode::name).collect();
    let examples: Map<String, Value> = codes
        .iter()
        .map(|code| (code.name().to_owned(), example(code)))
        .collect();
    json!({
        "description": names.join(", "),
        "headers": {
            "x-trace-id": { "description": "The name of the request", "schema": { "type": "string" } },
            "x-error-code": { "description": "The code", "schema": { "type": "string", "enum": names } },
        },
        "content": {
            "application/json": {
                "schema": { "$ref": "#/components/schemas/ErrorEnvelope" },
                "examples": examples,
            },
        },
    })
}

fn example(code: &ErrorCode) -> Value {
    let mut error = json!({
        "code": code.name(),
        "message": code.default_message(),
        "timestamp": "2026-01-21T12:34:56.789Z",
        "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
    });
    if !code.steps().is_empty() {
        error["details"] = json!({ "help": { "steps": code.steps() } });
    }
    json!({
        "summary": code.default_message(),
        "value": { "error": error, "status": code.status().as_u16() },
    })
}

fn schemas() -> Value {
    json!({
        "ErrorEnvelope": {
            "type": "object",
            "required": ["error", "status"],
            "properties": {
                "error": {
                    "type": "object",
                    "required": ["code", "message", "timestamp", "traceId"],
                    "properties": {
                        "code": { "type": "string", "description": "What happened, for programs" },
                        "message": { "type": "string", "description": "What happened, for people" },
                        "details": { "$ref": "#/components/schemas/ErrorDetails" },
                        "timestamp": { "type": "string", "format": "date-time" },
                        "traceId": { "type": "string", "description": "The name of the request" },
                    },
                },
                "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            },
        },
        "ErrorDetails": {
            "type": "object",
            "properties": {
                "retryAfter": { "type": "integer", "minimum": 1, "description": "Seconds to wait" },
                "errors": { "type": "array", "items": { "$ref": "#/components/schemas/FieldViolation" } },
                "help": {
                    "type": "object",
                    "properties": {
                        "steps": { "type": "array", "items": { "type": "string" } },
                        "docsUrl": { "type": "string" },
                        "support": { "type": "string" },
                    },
                },
            },
        },
        "FieldViolation": {
            "type": "object",
            "required": ["pointer", "in", "code", "message"],
            "properties": {
                "pointer": { "type": "string", "description": "An RFC 6901 JSON pointer" },
                "in": { "type": "string", "enum": ["body", "query", "path", "header"] },
                "code": { "type": "string" },
                "message": { "type": "string" },
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    #[test]
    fn gathers_the_codes_of_a_status_as_examples() {
        const OUT_OF_CARS: ErrorCode = ErrorCode::new("OUT_OF_CARS", StatusCode::CONFLICT)
            .message("No car left")
            .help("Try another city.");
        let components = Catalogue::new(&[OUT_OF_CARS]).to_openapi();
        let conflict = &components["responses"]["Error409"];
        assert_eq!(conflict["description"], "CONFLICT, OUT_OF_CARS");
        let example = &conflict["content"]["application/json"]["examples"]["OUT_OF_CARS"];
        assert_eq!(example["summary"], "No car left");
        assert_eq!(
            example["value"]["error"]["details"],
            json!({"help": {"steps": ["Try another city."]}})
        );
    }

    #[test]
    fn refers_only_to_schemas_it_has() {
        let components = Catalogue::new(&[]).to_openapi();
        let text = components.to_string();
        let names = text.split("#/components/schemas/").skip(1);
        for name in names.map(|rest| rest.split('"').next().unwrap()) {
            assert!(components["schemas"].get(name).is_some(), "{name}");
        }
    }

    #[test]
    fn shows_examples_that_are_envelopes() {
        let components = Catalogue::new(&[]).to_openapi();
        for (_, response) in components["responses"].as_object().unwrap() {
            let examples = response["content"]["application/json"]["examples"].as_object();
            for (name, example) in examples.unwrap() {
                let value = example["value"].clone();
                let envelope: crate::ErrorEnvelope = serde_json::from_value(value.clone()).unwrap();
                assert_eq!(envelope.code(), name);
                assert_eq!(serde_json::to_value(&envelope).unwrap(), value);
            }
        }
    }
}
