//! The JSON document of a failure, in the order it is written.

use std::time::SystemTime;

use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;
use serde::Serializer;

use crate::problem::Problem;
use crate::time;
use crate::trace_id::TraceId;

/// Enough for an envelope with little in its details, so that most are written without growing.
const USUAL_SIZE: usize = 512;

/// An envelope, with the members of an RFC 9457 problem in front if there are any.
#[derive(Serialize)]
pub(crate) struct Document<'a, D> {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    problem_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    error: Object<'a, D>,
    status: u16,
}

/// The member `error`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Object<'a, D> {
    pub(crate) code: &'a str,
    pub(crate) message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) details: Option<D>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "timestamp")]
    pub(crate) timestamp: Option<SystemTime>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "trace_id")]
    pub(crate) trace_id: Option<TraceId>,
}

impl<'a, D: Serialize> Document<'a, D> {
    pub(crate) fn new(
        error: Object<'a, D>,
        status: StatusCode,
        problem: Option<Problem<'a>>,
    ) -> Self {
        Self {
            problem_type: problem.map(|problem| problem.kind),
            title: problem.map(|problem| problem.title),
            detail: problem.map(|_| error.message),
            error,
            status: status.as_u16(),
        }
    }

    pub(crate) fn to_bytes(&self) -> Bytes {
        let mut bytes = Vec::with_capacity(USUAL_SIZE);
        // A document of strings, numbers and JSON values always serialises.
        let _ = serde_json::to_writer(&mut bytes, self);
        bytes.into()
    }
}

fn timestamp<S: Serializer>(time: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.collect_str(&time::to_iso(*time)),
        None => serializer.serialize_none(),
    }
}

fn trace_id<S: Serializer>(id: &Option<TraceId>, serializer: S) -> Result<S::Ok, S::Error> {
    id.as_ref().map(TraceId::as_str).serialize(serializer)
}
