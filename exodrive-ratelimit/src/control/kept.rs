//! How orders and events are kept elsewhere: as lines of words.

use std::time::Duration;

use super::Mode;
use super::entry::{ALL, Entry, Order};
use super::event::{EventKind, Note};
use super::overrides::{Kind as Size, Override};
use super::whom::{Kind, NETWORK, Whom};
use super::words::line;
use crate::Quota;

impl Entry {
    /// What is kept beside the id; whoever keeps it puts the end before it, as a word of its own.
    pub(crate) fn value(&self) -> String {
        line([self.actor(), self.reason(), &self.order().detail()])
    }

    /// Reads what was kept: the id, and the end before the value. The end is a dash if there is none.
    pub(crate) fn parse(id: &str, ending_value: &str) -> Option<Self> {
        let [until, actor, reason, detail] = words_of(ending_value)?;
        let until = match until.as_str() {
            "" => None,
            until => Some(until.parse().ok()?),
        };
        let order = order(id, &detail)?;
        Some(Self::new(order, until, &reason, &actor))
    }
}

impl Note {
    pub(crate) fn line(&self) -> String {
        line([self.kind.as_str(), &self.about, &self.by, &self.detail])
    }

    pub(crate) fn parse(line: &str) -> Option<Self> {
        let [kind, about, by, detail] = words_of(line)?;
        let kinds = [EventKind::Refused, EventKind::Ordered, EventKind::Lifted];
        Some(Self {
            kind: kinds.into_iter().find(|known| known.as_str() == kind)?,
            about,
            by,
            detail,
        })
    }
}

fn order(id: &str, detail: &str) -> Option<Order> {
    let id = words(id)?;
    let id: Vec<&str> = id.iter().map(String::as_str).collect();
    Some(match id[..] {
        ["allow", word] => Order::Allow(whom(word)?),
        ["deny", word] => Order::Deny(whom(word)?),
        ["ban", word] => Order::Ban(whom(word)?),
        ["override", word, limit] => {
            let limit = (limit != ALL).then(|| limit.into());
            Order::Override(whom(word)?, limit, size(detail)?)
        }
        ["mode", limit] => Order::Mode(limit.into(), mode(detail)?),
        ["suspension"] => Order::Suspension,
        _ => return None,
    })
}

fn whom(word: &str) -> Option<Whom> {
    Some(Whom(match word.strip_prefix(NETWORK) {
        Some(network) => Kind::Network(network.parse().ok()?),
        None => Kind::Named(word.into()),
    }))
}

fn mode(word: &str) -> Option<Mode> {
    let all = [Mode::Enforce, Mode::Shadow, Mode::Off];
    all.into_iter().find(|mode| mode.as_str() == word)
}

fn size(word: &str) -> Option<Override> {
    let mut parts = word.split('/');
    let kind = parts.next()?;
    let numbers: Option<Vec<u64>> = parts.map(|number| number.parse().ok()).collect();
    Some(Override(match (kind, numbers?.as_slice()) {
        ("unlimited", []) => Size::Unlimited,
        ("times", &[thousandths]) => Size::Times(thousandths.try_into().ok()?),
        ("quota", &[count, period, burst]) => {
            let quota = Quota::per(count.try_into().ok()?, Duration::from_micros(period));
            Size::Quota(quota.burst(burst.try_into().ok()?))
        }
        _ => return None,
    }))
}

fn words_of<const N: usize>(line: &str) -> Option<[String; N]> {
    words(line)?.try_into().ok()
}

/// The words of a line; `None` if it is not one.
fn words(line: &str) -> Option<Vec<String>> {
    line.split(' ').map(unescape).collect()
}

fn unescape(word: &str) -> Option<String> {
    if word == "-" {
        return Some(String::new());
    }
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? << 4 | digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Subject;

    fn entries() -> Vec<Entry> {
        let net = || "192.0.2.0/24".parse::<Whom>().unwrap();
        let tenant = || Whom::from(Subject::custom("tenant", "-"));
        let orders = [
            Order::Allow(net()),
            Order::Deny(Subject::api_key("secret word").into()),
            Order::Ban(Subject::user("a b\n%").into()),
            Order::Override(net(), None, Override::unlimited()),
            Order::Override(net(), None, Override::times(0.25)),
            Order::Override(
                tenant(),
                Some("public".into()),
                Override::quota(Quota::per_minute(600).burst(7)),
            ),
            Order::Mode("public".into(), Mode::Shadow),
            Order::Suspension,
        ];
        let entries = orders.into_iter().enumerate();
        entries
            .map(|(n, order)| Entry::new(order, (n % 2 == 0).then_some(7_000_000), "as it was", ""))
            .collect()
    }

    #[test]
    fn what_is_kept_of_an_order_is_all_of_it() {
        for (n, entry) in entries().into_iter().enumerate() {
            let until = if n % 2 == 0 { "7000000" } else { "-" };
            let kept = format!("{until} {}", entry.value());
            assert_eq!(
                Entry::parse(&entry.order().id(), &kept),
                Some(entry),
                "{kept}"
            );
        }
    }

    #[test]
    fn what_is_kept_of_an_event_is_all_of_it() {
        for note in [
            Note::refused("user/a b".to_owned(), "public", 64),
            Note::ordered("ban ip/192.0.2.1", "ada", "too many\nrequests"),
            Note::lifted("suspension", ""),
        ] {
            assert_eq!(Note::parse(&note.line()), Some(note));
        }
    }

    #[test]
    fn what_is_kept_or_shown_holds_no_secret() {
        for entry in entries() {
            let id = entry.order().id();
            let shown = format!("{id} {} {entry} {entry:?}", entry.value());
            assert!(!shown.contains("secret"), "{shown}");
        }
    }

    #[test]
    fn anything_else_is_nothing() {
        for (id, value) in [
            ("", "- - - -"),
            ("ban", "- - - -"),
            ("allow net/1", "- - - -"),
            ("mode public", "- - - loud"),
            ("suspension", "- - -"),
            ("suspension", "soon - - -"),
            ("override user/a *", "- - - times"),
            ("override user/a *", "- - - times/9999999999"),
            ("override user/a *", "- - - quota/1/2"),
            ("override user/a *", "- - - unlimited/1"),
        ] {
            assert_eq!(Entry::parse(id, value), None, "{id}: {value}");
        }
        for line in [
            "",
            "broken a b c",
            "refused a b",
            "refused a b %zz",
            "refused a b %4",
        ] {
            assert_eq!(Note::parse(line), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn words_come_out_as_they_went_in(written in prop::collection::vec(".{0,8}|-", 1..6)) {
            let line = line(written.iter().map(String::as_str));
            prop_assert_eq!(words(&line), Some(written));
        }
    }
}
