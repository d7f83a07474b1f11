//! Names of keys.

use crate::written::{escape, written};
use crate::{Rule, Subject};

/// Names the keys of one store.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    namespace: String,
}

impl Keys {
    pub(super) fn new(namespace: &str) -> Self {
        let mut escaped = String::with_capacity(namespace.len());
        escape(&mut escaped, namespace.as_bytes());
        Self { namespace: escaped }
    }

    /// `namespace:{control}:name`. No subject is written `control`, which has no slash.
    pub(super) fn of_control(&self, name: &str) -> String {
        format!("{}:{{control}}:{name}", self.namespace)
    }

    /// `namespace:{subject}:kind:limit`.
    ///
    /// The subject is the hash tag of Redis Cluster, so all keys of a subject are in one slot. Neither the namespace nor
    /// the subject contains a brace and the kind is one letter, so no two limits and subjects share a key.
    pub(super) fn of(&self, rule: Rule, limit: &str, subject: &Subject) -> String {
        let mut key = String::with_capacity(64);
        key.push_str(&self.namespace);
        key.push_str(":{");
        key.push_str(&written(subject));
        key.push_str(match rule {
            Rule::Gcra(_) => "}:g:",
            Rule::Window(_) => "}:w:",
        });
        key.push_str(limit);
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limit, MINUTE};

    fn key(namespace: &str, limit: &str, subject: &Subject) -> String {
        let rule = Limit::sliding_window(limit, 1, MINUTE).way.rule().unwrap();
        Keys::new(namespace).of(rule, limit, subject)
    }

    #[test]
    fn keys_are_legible() {
        for (subject, expected) in [
            (
                Subject::ip([192, 0, 2, 1].into()),
                "rl:{ip/192.0.2.1}:w:public",
            ),
            (
                Subject::user("ada@example"),
                "rl:{user/ada@example}:w:public",
            ),
            (Subject::user("a}b:c"), "rl:{user/a%7db%3ac}:w:public"),
            (Subject::user(""), "rl:{user/}:w:public"),
            (
                Subject::custom("tenant", "7/8"),
                "rl:{custom/tenant/7%2f8}:w:public",
            ),
        ] {
            assert_eq!(key("rl", "public", &subject), expected);
        }
    }

    #[test]
    fn api_keys_and_long_ids_are_digests() {
        let secret = key("rl", "public", &Subject::api_key("sk-very-secret"));
        assert!(!secret.contains("secret"), "{secret}");
        let long = |last| key("rl", "public", &Subject::user("x".repeat(5_000) + last));
        assert!(long("a").len() < 100);
        assert_ne!(long("a"), long("b"));
    }

    #[test]
    fn nobody_can_write_anothers_key() {
        let honest = key("rl", "b}:w:c", &Subject::user("a"));
        assert_ne!(honest, key("rl", "c", &Subject::user("a}:w:b")));
        let custom = key("rl", "c", &Subject::custom("a/b", "c"));
        assert_ne!(custom, key("rl", "c", &Subject::custom("a", "b/c")));
        assert_ne!(
            key("a:{user", "c", &Subject::user("b")),
            key("a", "c", &Subject::user("b"))
        );
    }
}
