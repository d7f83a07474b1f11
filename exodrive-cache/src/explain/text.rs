//! An explanation in plain language.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use super::{Explanation, Inputs, Keyed, Stored, Verdict};
use crate::Tag;
use crate::decision::Outcome;
use crate::reuse::Reuse;

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            policy,
            mode,
            request,
            verdict,
        } = self;
        writeln!(f, "{request} under the policy {policy:?}, which is {mode}")?;
        match verdict {
            Verdict::Past => f.write_str("The policy is not in force for this request."),
            Verdict::Bypass(reason) => write!(f, "It bypasses the cache: {}.", reason.name()),
            Verdict::Keyed(keyed) => keyed.fmt(f),
        }
    }
}

impl fmt::Display for Keyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Its key is {:032x}.", self.key.digest())?;
        if !self.seen.is_empty() {
            writeln!(f, "The handler sees {}.", self.seen)?;
        }
        if !self.unseen.is_empty() {
            writeln!(f, "The handler does not see {}.", self.unseen)?;
        }
        if self.is_for_a_principal {
            writeln!(f, "The answer is for one principal alone.")?;
        }
        self.stored.fmt(f)
    }
}

impl fmt::Display for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (entry, outdated, reuse) = match self {
            Self::Unknown => return f.write_str("The store could not say what it holds."),
            Self::Nothing => return f.write_str("The store holds nothing for it."),
            Self::Found {
                entry,
                outdated,
                reuse,
            } => (entry, outdated, reuse),
        };
        let tags: Vec<_> = entry.tags().iter().map(Tag::as_str).collect();
        write!(
            f,
            "The store holds an answer of {} bytes with the tags {}",
            entry.body().len(),
            tags.join(", ")
        )?;
        let seconds = |duration: Duration| duration.as_secs();
        match reuse {
            Reuse::Serve(Outcome::Hit { age, ttl })
            | Reuse::ServeAndRefresh(Outcome::Hit { age, ttl }) => {
                let (age, ttl) = (seconds(*age), seconds(*ttl));
                write!(f, ", {age} s old and fresh for {ttl} s more.")
            }
            Reuse::Serve(_) => f.write_str(": stale, but the client accepts it."),
            Reuse::ServeAndRefresh(_) => f.write_str(": stale, served while it is replaced."),
            Reuse::Replace { fallback } => {
                f.write_str(if *outdated {
                    ": invalidated softly, to be replaced first"
                } else {
                    ": stale, to be replaced first"
                })?;
                f.write_str(if *fallback {
                    "; it may be served if that fails."
                } else {
                    "."
                })
            }
        }
    }
}

impl fmt::Display for Inputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &BTreeSet<String>| {
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            names.join(", ")
        };
        if !self.query.is_empty() {
            write!(f, "the parameters {}", list(&self.query))?;
        }
        if !self.query.is_empty() && !self.headers.is_empty() {
            f.write_str(" and ")?;
        }
        if !self.headers.is_empty() {
            write!(f, "the headers {}", list(&self.headers))?;
        }
        Ok(())
    }
}
