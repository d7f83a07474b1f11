use crate::domain::Tier;

/// Someone to try the API as.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct DemoUser {
    /// The API key. It is written in the README, so it protects nothing.
    pub key: &'static str,
    /// What to call them.
    pub name: &'static str,
    /// What they may do.
    pub tier: Tier,
}

/// The users of every generated database: customers first, the administrator last.
pub const DEMO_USERS: [DemoUser; 5] = [
    demo("demo-standard-nora", "Nora Lindqvist", Tier::Standard),
    demo("demo-standard-tomas", "Tomás Ferreira", Tier::Standard),
    demo("demo-premium-yuki", "Yuki Tanabe", Tier::Premium),
    demo("demo-premium-amara", "Amara Okoye", Tier::Premium),
    demo("demo-administrator", "Iris van Dalen", Tier::Administrator),
];

/// The API key of one of the customers whom a database has besides, where it was asked for some; they count from one.
///
/// It protects as little as those of the demo users.
#[must_use]
pub fn customer_key(number: u32) -> String {
    format!("demo-customer-{number:06}")
}

const fn demo(key: &'static str, name: &'static str, tier: Tier) -> DemoUser {
    DemoUser { key, name, tier }
}
