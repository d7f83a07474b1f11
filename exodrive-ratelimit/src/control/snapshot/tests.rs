use super::*;
use crate::Quota;
use crate::time::Wait;

const NOW: u64 = 1_000;

fn whom(network: &str) -> Whom {
    network.parse().unwrap()
}

fn who(address: &str, user: &str) -> Who {
    let mut who = Who::default();
    who.address(address.parse().unwrap());
    who.subject(&Subject::user(user));
    who
}

fn snapshot(orders: impl IntoIterator<Item = (Order, Option<u64>)>) -> Snapshot {
    let entries = orders.into_iter().map(|(order, until)| {
        let reason = order.id();
        Entry::new(order, until, &reason, "test")
    });
    Snapshot::of_configuration(entries.collect())
}

fn outcome(access: &Access) -> Option<Outcome> {
    match access {
        Access::Barred(outcome, _) => Some(*outcome),
        Access::Limited | Access::Unlimited => None,
    }
}

#[test]
fn the_allow_list_goes_before_the_deny_list_and_that_before_the_limits() {
    let snapshot = snapshot([
        (Order::Deny(whom("192.0.2.0/24")), None),
        (Order::Allow(whom("192.0.2.7/32")), None),
        (Order::Ban(Subject::user("mallory").into()), Some(NOW + 5)),
        (Order::Ban(whom("2001:db8::/32")), Some(NOW + 5)),
    ]);
    let access = |address, user| snapshot.access(&who(address, user), NOW);
    assert_eq!(access("198.51.100.1", "ada"), Access::Limited);
    assert_eq!(access("192.0.2.7", "mallory"), Access::Unlimited);
    assert_eq!(outcome(&access("192.0.2.8", "ada")), Some(Outcome::Denied));
    assert_eq!(
        outcome(&access("2001:db8:7::1", "ada")),
        Some(Outcome::Banned)
    );
    let Access::Barred(Outcome::Banned, bar) = access("198.51.100.1", "mallory") else {
        panic!("mallory is banned");
    };
    assert_eq!(bar.wait, Wait::of_micros(5));
    assert_eq!(&*bar.reason, "ban user/mallory");
}

#[test]
fn of_several_bars_the_longest_counts() {
    let snapshot = snapshot([
        (Order::Ban(whom("192.0.2.1/32")), Some(NOW + 5)),
        (Order::Ban(whom("192.0.2.0/24")), Some(NOW + 50)),
        (Order::Ban(Subject::user("ada").into()), Some(NOW + 9)),
    ]);
    let access = snapshot.access(&who("192.0.2.1", "ada"), NOW);
    let Access::Barred(_, bar) = access else {
        panic!("it is barred");
    };
    assert_eq!(bar.wait, Wait::of_micros(50));
}

#[test]
fn everything_ends_by_itself() {
    let until = Some(NOW + 1);
    let snapshot = snapshot([
        (Order::Allow(whom("192.0.2.0/25")), until),
        (Order::Deny(whom("192.0.2.128/25")), until),
        (Order::Mode("public".into(), Mode::Off), until),
        (
            Order::Override(whom("192.0.2.0/24"), None, Override::unlimited()),
            until,
        ),
        (Order::Suspension, until),
    ]);
    let ada = Subject::ip([192, 0, 2, 1].into());
    let at = |now| {
        (
            snapshot.is_suspended(now),
            snapshot.access(&who("192.0.2.1", "ada"), now) == Access::Unlimited,
            outcome(&snapshot.access(&who("192.0.2.129", "ada"), now)).is_some(),
            snapshot.mode("public", now).is_some(),
            snapshot.size("public", &ada, now).is_some(),
            snapshot.entries(now).len(),
        )
    };
    assert_eq!(at(NOW), (true, true, true, true, true, 5));
    assert_eq!(at(NOW + 1), (false, false, false, false, false, 0));
}

#[test]
fn an_override_of_one_limit_goes_before_one_of_all() {
    let ada = Subject::user("ada");
    let ten = Override::quota(Quota::per_minute(10));
    let snapshot = snapshot([
        (
            Order::Override(ada.clone().into(), None, Override::unlimited()),
            None,
        ),
        (
            Order::Override(ada.clone().into(), Some("booking".into()), ten),
            None,
        ),
    ]);
    assert_eq!(snapshot.size("booking", &ada, NOW), Some(ten));
    assert_eq!(
        snapshot.size("public", &ada, NOW),
        Some(Override::unlimited())
    );
    assert_eq!(snapshot.size("public", &Subject::user("bob"), NOW), None);
}

#[test]
fn changes_apply_to_what_was_known_unless_they_are_everything() {
    let entry = |user: &str, until| {
        let order = Order::Ban(Subject::user(user).into());
        let id: Arc<str> = order.id().into();
        (id, Arc::new(Entry::new(order, until, "", "")))
    };
    let listed = |snapshot: &Snapshot| {
        let entries = snapshot.entries(NOW);
        entries
            .iter()
            .map(|entry| entry.order().id())
            .collect::<Vec<_>>()
    };
    let added = |user| {
        let (id, entry) = entry(user, None);
        (id, Some(entry))
    };
    let changes = |version, all, entries| Changes {
        version,
        all,
        entries,
    };
    let fixed = Entry::new(Order::Allow(whom("10.0.0.0/8")), None, "", "");
    let first = Snapshot::of_configuration(vec![fixed]);
    let second = first.after(changes(7, false, vec![added("a"), added("b")]), NOW);
    assert_eq!(second.version(), 7);
    assert_eq!(
        listed(&second),
        ["allow net/10.0.0.0/8", "ban user/a", "ban user/b"]
    );
    let gone = (entry("a", None).0, None);
    let third = second.after(changes(8, false, vec![gone, added("c")]), NOW);
    assert_eq!(
        listed(&third),
        ["allow net/10.0.0.0/8", "ban user/b", "ban user/c"]
    );
    let last = third.after(changes(9, true, vec![added("d")]), NOW);
    assert_eq!(listed(&last), ["allow net/10.0.0.0/8", "ban user/d"]);
}
