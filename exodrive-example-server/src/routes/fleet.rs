use axum::extract::State;
use axum::{Extension, Json};
use exodrive_cache::ResponseTags;
use exodrive_errors::ApiError;
use garde::Validate;
use jiff::civil::Date;
use serde::Deserialize;

use super::extract::Query;
use super::period::PeriodQuery;
use crate::AppState;
use crate::caching;
use crate::domain::rules::{name, optional, within};
use crate::domain::{FleetFilter, FleetPage, Paging};

#[derive(Deserialize, utoipa::IntoParams, Validate)]
#[into_params(parameter_in = Query)]
pub(super) struct FleetQuery {
    /// Only cars in this city, in any case of letters.
    #[garde(custom(optional(name)))]
    #[param(min_length = 1, max_length = 40)]
    city: Option<String>,
    /// Only cars of this category, in any case of letters.
    #[garde(custom(optional(name)))]
    #[param(min_length = 1, max_length = 40)]
    category: Option<String>,
    /// Only cars that are free from this day on; needs `to`.
    #[garde(skip)]
    from: Option<Date>,
    /// The day after the last on which they must be free; needs `from`.
    #[garde(skip)]
    to: Option<Date>,
    /// Which page, counted from one.
    #[garde(custom(optional(within(1, Paging::MAX_PAGE))))]
    #[param(minimum = 1, maximum = 10_000)]
    page: Option<u32>,
    /// How many cars a page holds.
    #[garde(custom(optional(within(1, Paging::MAX_PER_PAGE))))]
    #[param(minimum = 1, maximum = 100)]
    per_page: Option<u32>,
}

/// Cars, cheapest first, page by page
#[utoipa::path(
    get,
    path = "/api/v1/fleet",
    tag = "fleet",
    operation_id = "listFleet",
    params(FleetQuery),
    responses((status = 200, description = "A page", body = FleetPage)),
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Query(query): Query<FleetQuery>,
) -> Result<(Extension<ResponseTags>, Json<FleetPage>), ApiError> {
    let filter = query.into_filter()?;
    let tags = filter.free_in.map(|_| caching::free_cars());
    let page = state.repository.fleet(&filter).await?;
    Ok((Extension(ResponseTags::new(tags)), Json(page)))
}

impl FleetQuery {
    fn into_filter(self) -> Result<FleetFilter, ApiError> {
        let days = PeriodQuery {
            from: self.from,
            to: self.to,
        };
        let default = Paging::default();
        Ok(FleetFilter {
            city: self.city,
            category: self.category,
            free_in: days.optional()?,
            paging: Paging::new(
                self.page.unwrap_or(default.page()),
                self.per_page.unwrap_or(default.per_page()),
            ),
        })
    }
}
