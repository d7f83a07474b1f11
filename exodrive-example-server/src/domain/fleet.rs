use serde::Serialize;
use utoipa::ToSchema;

use super::{CarSummary, Period};

/// Which cars of the fleet to list.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct FleetFilter {
    /// Only cars in this city, in any case of letters.
    pub city: Option<String>,
    /// Only cars of this category, in any case of letters.
    pub category: Option<String>,
    /// Only cars that are free on all of these days.
    pub free_in: Option<Period>,
    /// Which part of the list.
    pub paging: Paging,
}

/// Which part of a list to show.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Paging {
    page: u32,
    per_page: u32,
}

/// A part of the fleet, cheapest cars first.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct FleetPage {
    /// The cars on this page.
    pub cars: Vec<CarSummary>,
    /// Which page, counted from one.
    pub page: u32,
    /// How many cars a full page holds.
    pub per_page: u32,
    /// How many cars match on all pages.
    pub total: i64,
    /// What they cost; absent when none match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_range: Option<PriceRange>,
}

/// The cheapest and the dearest rent for one day.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PriceRange {
    /// The lowest rent, in cents.
    pub min_cents: i64,
    /// The highest rent, in cents.
    pub max_cents: i64,
}

impl Paging {
    /// The last page that can be asked for.
    pub const MAX_PAGE: u32 = 10_000;
    /// The most cars a page can hold.
    pub const MAX_PER_PAGE: u32 = 100;

    /// The page counted from one, with so many cars on it.
    ///
    /// Each is brought into range: one to [`Paging::MAX_PAGE`], one to [`Paging::MAX_PER_PAGE`].
    #[must_use]
    pub fn new(page: u32, per_page: u32) -> Self {
        Self {
            page: page.clamp(1, Self::MAX_PAGE),
            per_page: per_page.clamp(1, Self::MAX_PER_PAGE),
        }
    }

    /// Which page, counted from one.
    #[must_use]
    pub fn page(self) -> u32 {
        self.page
    }

    /// How many cars a full page holds.
    #[must_use]
    pub fn per_page(self) -> u32 {
        self.per_page
    }

    /// How many cars come before the page.
    pub(crate) fn offset(self) -> i64 {
        i64::from(self.page - 1) * i64::from(self.per_page)
    }
}

/// Defaults to the first page with 20 cars.
impl Default for Paging {
    fn default() -> Self {
        Self::new(1, 20)
    }
}
