//! The `details` of an error: what the application says, within a bound, and what the response adds.

use std::borrow::Cow;
use std::io;

use serde::Serialize;
use serde::Serializer;
use serde::ser::SerializeMap;
use serde_json::Map;
use serde_json::Value;

use crate::violation::FieldViolation;

/// The most bytes of JSON the application's part has: a request full of mistakes must not be answered with as much again.
const MAX_SIZE: usize = 8 * 1024;

/// The application's part.
#[derive(Debug, Default)]
pub(crate) struct Details {
    members: Map<String, Value>,
    violations: Vec<FieldViolation>,
    steps: Vec<Cow<'static, str>>,
    size: usize,
}

/// Something did not fit any more and was left out.
#[derive(Debug, thiserror::Error)]
#[error("more than {MAX_SIZE} bytes, the rest is left out")]
pub(crate) struct LeftOut;

impl Details {
    pub(crate) fn add_members(&mut self, members: Map<String, Value>) -> Result<(), LeftOut> {
        let mut result = Ok(());
        for (name, value) in members {
            match self.claim(&(&name, &value)) {
                Ok(()) => {
                    self.members.insert(name, value);
                }
                left_out => result = left_out,
            }
        }
        result
    }

    pub(crate) fn add_violation(&mut self, violation: FieldViolation) -> Result<(), LeftOut> {
        self.claim(&violation)?;
        self.violations.push(violation);
        Ok(())
    }

    pub(crate) fn add_step(&mut self, step: Cow<'static, str>) -> Result<(), LeftOut> {
        self.claim(&step)?;
        self.steps.push(step);
        Ok(())
    }

    pub(crate) fn violations(&self) -> &[FieldViolation] {
        &self.violations
    }

    /// Takes what a value needs as JSON out of what is left.
    fn claim(&mut self, value: &impl Serialize) -> Result<(), LeftOut> {
        let mut length = Length(self.size);
        serde_json::to_writer(&mut length, value).map_err(|_| LeftOut)?;
        // One more for the comma behind it.
        self.size = length.0 + 1;
        Ok(())
    }
}

/// Counts what is written to it, up to [`MAX_SIZE`].
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        if self.0 < MAX_SIZE {
            Ok(bytes.len())
        } else {
            Err(io::ErrorKind::FileTooLarge.into())
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The whole of `details`, as it is written: the application's members, and over them what is reserved.
#[derive(Debug)]
pub(crate) struct WholeDetails<'a> {
    pub(crate) own: &'a Details,
    pub(crate) retry_after: Option<u64>,
    pub(crate) help: Help<'a>,
}

/// The member `help`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Help<'a> {
    #[serde(skip_serializing_if = "Steps::is_empty")]
    steps: Steps<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    docs_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    support: Option<&'a str>,
}

/// Next steps: those of the error, else those of its code.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Steps<'a> {
    OfError(&'a [Cow<'static, str>]),
    OfCode(&'a [&'static str]),
}

impl Steps<'_> {
    fn is_empty(&self) -> bool {
        matches!(self, Self::OfError([]) | Self::OfCode([]))
    }
}

impl<'a> Help<'a> {
    pub(crate) fn new(
        own: &'a Details,
        of_code: &'a [&'static str],
        docs_url: Option<&'a str>,
        support: Option<&'a str>,
    ) -> Self {
        let steps = match &*own.steps {
            [] => Steps::OfCode(of_code),
            steps => Steps::OfError(steps),
        };
        Self {
            steps,
            docs_url,
            support,
        }
    }

    fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.docs_url.is_none() && self.support.is_none()
    }
}

impl WholeDetails<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.own.members.is_empty()
            && self.own.violations.is_empty()
            && self.retry_after.is_none()
            && self.help.is_empty()
    }

    /// Whether a reserved member takes the place of one of the application's.
    fn outweighs(&self, name: &str) -> bool {
        match name {
            "retryAfter" => self.retry_after.is_some(),
            "errors" => !self.own.violations.is_empty(),
            "help" => !self.help.is_empty(),
            _ => false,
        }
    }
}

impl Serialize for WholeDetails<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in &self.own.members {
            if !self.outweighs(name) {
                map.serialize_entry(name, value)?;
            }
        }
        if let Some(seconds) = self.retry_after {
            map.serialize_entry("retryAfter", &seconds)?;
        }
        if !self.own.violations.is_empty() {
            map.serialize_entry("errors", &self.own.violations)?;
        }
        if !self.help.is_empty() {
            map.serialize_entry("help", &self.help)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn written(own: &Details) -> String {
        let whole = WholeDetails {
            own,
            retry_after: None,
            help: Help::new(own, &[], None, None),
        };
        serde_json::to_string(&whole).unwrap()
    }

    #[test]
    fn keeps_what_fits_and_leaves_out_the_rest() {
        let mut details = Details::default();
        let members = json!({"big": "x".repeat(MAX_SIZE), "small": 1});
        let Value::Object(members) = members else {
            unreachable!()
        };
        assert!(details.add_members(members).is_err());
        assert_eq!(written(&details), r#"{"small":1}"#);
    }

    proptest! {
        #[test]
        fn never_writes_more_than_the_bound(texts in proptest::collection::vec("\\PC{0,40}|\0{0,400}", 0..50)) {
            let mut details = Details::default();
            for (index, text) in texts.into_iter().enumerate() {
                let _ = match index % 3 {
                    0 => details.add_members(Map::from_iter([(text.clone(), text.into())])),
                    1 => details.add_violation(FieldViolation::body(text, "INVALID", "")),
                    _ => details.add_step(text.into()),
                };
            }
            // Beside the parts there are the names of the reserved members.
            prop_assert!(written(&details).len() <= MAX_SIZE + 64);
        }
    }
}
