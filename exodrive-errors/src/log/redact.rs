use std::borrow::Cow;

/// What stands in for a secret.
const MASK: &str = "***";

/// Names whose value is a secret, wherever they stand in a text; matched without regard to case.
const SECRET_NAMES: [&str; 16] = [
    "access_key",
    "api-key",
    "api_key",
    "apikey",
    "authorization",
    "bearer",
    "cookie",
    "credential",
    "passphrase",
    "passwd",
    "password",
    "private_key",
    "pwd",
    "secret",
    "session",
    "token",
];

/// Removes more from a text before it is logged.
///
/// It is given the text of errors and panics after the crate has removed credentials and queries of URLs, `name=value`
/// pairs whose name speaks of a secret, and the credentials of HTTP authentication.
///
/// ```
/// use exodrive_errors::ErrorLayer;
///
/// let layer = ErrorLayer::new().redact(|text: String| text.replace("4111111111111111", "<card>"));
/// # let _ = layer;
/// ```
pub trait Redact: Send + Sync + 'static {
    /// The text without what must not be logged.
    fn redact(&self, text: String) -> String;
}

impl<F: Fn(String) -> String + Send + Sync + 'static> Redact for F {
    fn redact(&self, text: String) -> String {
        self(text)
    }
}

/// Masks the secrets that can be told by their form.
pub(crate) fn scrub(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for pass in [scrub_urls, scrub_pairs, scrub_bearer, scrub_basic] {
        if let Some(scrubbed) = pass(&text) {
            text = Cow::Owned(scrubbed);
        }
    }
    text
}

/// `scheme://user:password@host/path?query` becomes `scheme://***@host/path?***`.
///
/// A password may hold any character, so everything up to the last `@` of the word is taken for credentials:
/// hiding part of an address now and then is better than showing part of a password.
fn scrub_urls(text: &str) -> Option<String> {
    let mut rest = text;
    let mut out = String::new();
    while let Some(at) = rest.find("://") {
        let (before, url) = rest.split_at(at + 3);
        out.push_str(before);
        let end = url
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '`' | '<' | '>'))
            .unwrap_or(url.len());
        let (word, after) = url.split_at(end);
        let word = match word.rsplit_once('@') {
            Some((_, host)) => {
                out.push_str(MASK);
                out.push('@');
                host
            }
            None => word,
        };
        match word.split_once('?') {
            Some((path, _)) => {
                out.push_str(path);
                out.push('?');
                out.push_str(MASK);
            }
            None => out.push_str(word),
        }
        rest = after;
    }
    (!out.is_empty()).then(|| out + rest)
}

/// `password=hunter2`, `"token": "abc"` and `Authorization: Bearer abc` lose their values.
fn scrub_pairs(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let mut out = String::new();
    let mut copied = 0;
    for (separator, _) in text.match_indices(['=', ':']) {
        if separator < copied || !names_secret(&lower[..separator]) {
            continue;
        }
        let start = separator + 1;
        let end = start + value_length(&text[start..]);
        out.push_str(&text[copied..start]);
        if end > start {
            out.push_str(MASK);
        }
        copied = end;
    }
    (copied > 0).then(|| out + &text[copied..])
}

/// Whether the last word of a text, in lower case, is the name of a secret.
fn names_secret(before: &str) -> bool {
    let name =
        before.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\\'));
    let word = name
        .rfind(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.')))
        .map_or(name, |end| {
            let mut rest = name[end..].chars();
            rest.next();
            rest.as_str()
        });
    SECRET_NAMES.iter().any(|secret| word.contains(secret))
}

/// How long the value at the start of a text is.
///
/// A quoted value ends with its quote. Any other ends with its list item or its line, so that `Bearer abc`, the pairs of a
/// cookie and a password of several words go whole, and what is quoted inside it, as in `Some("abc")`, goes with it.
fn value_length(text: &str) -> usize {
    let value = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\\');
    let skipped = text.len() - value.len();
    let in_string = text[..skipped].ends_with('\\');
    let is_quoted = value.starts_with(['"', '\'']);
    let mut open = None;
    let mut characters = value.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match (open, character) {
            (Some(quote), _) if character == quote => {
                if is_quoted {
                    return skipped + at + 1;
                }
                open = None;
            }
            // What a backslash escapes ends nothing, unless the whole value stands inside a string.
            (Some(_), '\\') if !in_string => {
                characters.next();
            }
            (Some(_), _) => {}
            (None, '"') => open = Some(character),
            (None, '\'') if at == 0 => open = Some(character),
            (None, '&' | '\n' | '\r') => return skipped + at,
            (None, ',')
                if characters
                    .peek()
                    .is_none_or(|(_, next)| next.is_whitespace()) =>
            {
                return skipped + at;
            }
            (None, _) => {}
        }
    }
    text.len()
}

/// `Bearer abc` loses its second word, wherever it stands.
fn scrub_bearer(text: &str) -> Option<String> {
    scrub_scheme(text, "bearer", |_| true)
}

/// `Basic dXNlcjpwYXNz` loses its second word; a plain word after "basic" is no credential.
fn scrub_basic(text: &str) -> Option<String> {
    scrub_scheme(text, "basic", |value| {
        value.contains(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '=')
    })
}

fn scrub_scheme(text: &str, scheme: &str, is_secret: fn(&str) -> bool) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let mut out = String::new();
    let mut copied = 0;
    for (start, _) in lower.match_indices(scheme) {
        let after = &text[start + scheme.len()..];
        let value =
            after.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\''));
        let begin = text.len() - value.len();
        let value = value
            .split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '`'))
            .next()
            .unwrap_or_default();
        let is_word = after.starts_with(char::is_whitespace) && !value.is_empty();
        if is_word && begin > copied && is_secret(value) {
            out.push_str(&text[copied..begin]);
            out.push_str(MASK);
            copied = begin + value.len();
        }
    }
    (copied > 0).then(|| out + &text[copied..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn masks_credentials_and_queries_of_urls() {
        for (text, scrubbed) in [
            ("redis://:hunter2@cache:6379/0", "redis://***@cache:6379/0"),
            ("postgres://app:p@ss/w#rd@db/cars", "postgres://***@db/cars"),
            (
                "GET https://api/x?key=abc&b=1 failed",
                "GET https://api/x?*** failed",
            ),
            (
                "(http://u:p@a) and <http://u:q@b>",
                "(http://***@a) and <http://***@b>",
            ),
            ("http://localhost:8080/path", "http://localhost:8080/path"),
        ] {
            assert_eq!(scrub(text), scrubbed);
        }
    }

    #[test]
    fn masks_the_values_of_secret_names() {
        for (text, scrubbed) in [
            ("password=hunter2", "password=***"),
            (
                "user=bob&db_password=hunter2&x=1",
                "user=bob&db_password=***&x=1",
            ),
            (r#"{"token": "abc", "a": 1}"#, r#"{"token":***, "a": 1}"#),
            (r#"{\"api_key\":\"abc\", x"#, r#"{\"api_key\":***, x"#),
            ("Authorization: Bearer abc def", "Authorization:***"),
            ("Cookie: a=1; session=2", "Cookie:***"),
            ("SECRET = 'a b c', next", "SECRET =***, next"),
            ("password=a,b;c)d, user=bob", "password=***, user=bob"),
            (r#"password: "a\"b", user"#, "password:***, user"),
            (
                r#"Config { password: Some("a, b"), user: x }"#,
                "Config { password:***, user: x }",
            ),
            ("password:\n  hunter2", "password:***"),
            ("bearer=abc", "bearer=***"),
            ("client-secret:", "client-secret:"),
            ("monkey=1", "monkey=1"),
        ] {
            assert_eq!(scrub(text), scrubbed);
        }
    }

    #[test]
    fn masks_credentials_of_http_authentication() {
        for (text, scrubbed) in [
            ("sent bearer abc.def-ghi to x", "sent bearer *** to x"),
            ("Basic dXNlcjpwYXNz refused", "Basic *** refused"),
            ("Bearer  \"abc\" refused", "Bearer  \"***\" refused"),
            ("the bearer", "the bearer"),
            ("a basic mistake", "a basic mistake"),
        ] {
            assert_eq!(scrub(text), scrubbed);
        }
    }

    #[test]
    fn leaves_text_without_secrets_borrowed() {
        let text = "could not connect to db:5432, attempt 3";
        assert!(matches!(scrub(text), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn never_panics(text in "(\\PC|token|bearer |basic |://|@|[?=:\"', é\n]){0,40}") {
            let _ = scrub(&text);
        }

        #[test]
        fn never_shows_a_password(before in "[a-z ]{0,9}", secret in "[A-Z0-9]{6,20}", after in "[a-z ]{0,9}") {
            for form in [
                format!("{before} redis://user:{secret}@host {after}"),
                format!("{before} password={secret} {after}"),
                format!("{before} \"client_secret\": \"{secret}\" {after}"),
                format!("{before} Bearer {secret} {after}"),
                format!("{before} https://host/?q={secret} {after}"),
            ] {
                let scrubbed = scrub(&form);
                prop_assert!(!scrubbed.contains(&secret), "{}", scrubbed);
            }
        }
    }
}
