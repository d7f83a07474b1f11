use serde_json::{Map, Value, json};
use utoipa::openapi::path::Paths;
use utoipa::openapi::{Info, OpenApi, Ref, RefOr, Response};

use super::components::{ALWAYS, CACHED, LIMITED, components, header};
use crate::limits::is_always_admitted;

/// What a request to any route can come to: a key that is nobody's, and failures.
const ANYWHERE: &[u16] = &[401, 500, 503];
/// What can be wrong with parameters, before and after they are understood.
const WITH_PARAMETERS: &[u16] = &[400, 422];
/// The same of a body.
const WITH_BODY: &[u16] = &[400, 408, 413, 415, 422];

/// The document before any route is added.
pub(crate) fn base() -> OpenApi {
    let mut info = Info::new("Exodrive car rental", env!("CARGO_PKG_VERSION"));
    info.description = Some(
        "Fleet, availability and bookings. Days are civil dates, a period runs up to but not including its last \
         day, money is whole cents, and every error is one JSON envelope."
            .to_owned(),
    );
    OpenApi::new(info, Paths::new())
}

/// Says what the cache adds to the answers of these routes.
pub(crate) fn mention_cache(paths: &mut Paths) {
    let operations = paths
        .paths
        .values_mut()
        .filter_map(|item| item.get.as_mut());
    for operation in operations {
        for response in operation.responses.responses.values_mut() {
            if let RefOr::T(Response { headers, .. }) = response {
                for name in CACHED {
                    headers.insert((*name).to_owned(), RefOr::Ref(Ref::new(header(name))));
                }
            }
        }
    }
}

/// The document with what holds for many routes.
pub(crate) fn complete(api: &OpenApi) -> Value {
    let mut document = json!(api);
    for (name, component) in entries(&mut components()) {
        let known = &mut document["components"][name];
        if known.is_null() {
            *known = json!({});
        }
        for (name, part) in entries(component) {
            known[name] = part.take();
        }
    }
    for (path, item) in entries(&mut document["paths"]) {
        for (_, operation) in entries(item) {
            complete_operation(operation, is_always_admitted(path));
        }
    }
    document
}

fn complete_operation(operation: &mut Value, always_admitted: bool) {
    let mut errors = ANYWHERE.to_vec();
    let mut headers = ALWAYS.to_vec();
    if !always_admitted {
        errors.push(429);
        headers.extend(LIMITED);
    }
    if operation.get("parameters").is_some() {
        errors.extend(WITH_PARAMETERS);
    }
    if operation.get("requestBody").is_some() {
        errors.extend(WITH_BODY);
    }
    let responses = &mut operation["responses"];
    for (status, response) in entries(responses) {
        match status.parse() {
            Ok(error @ 400..) => errors.push(error),
            _ => {
                for name in &headers {
                    response["headers"][*name] = json!({ "$ref": header(name) });
                }
            }
        }
    }
    for status in errors {
        let component = format!("#/components/responses/Error{status}");
        responses[status.to_string()] = json!({ "$ref": component });
    }
    if operation["parameters"].is_null() {
        operation["parameters"] = json!([]);
    }
    if let Some(parameters) = operation["parameters"].as_array_mut() {
        parameters.push(json!({ "$ref": "#/components/parameters/traceparent" }));
    }
}

/// The members of an object; none if it is something else.
fn entries(value: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    value.as_object_mut().into_iter().flat_map(Map::iter_mut)
}
