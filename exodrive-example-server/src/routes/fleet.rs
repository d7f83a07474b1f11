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

#[derive(Deserialize, Validate)]
pub(super) struct FleetQuery {
    #[garde(custom(optional(name)))]
    city: Option<String>,
    #[garde(custom(optional(name)))]
    category: Option<String>,
    #[garde(skip)]
    from: Option<Date>,
    #[garde(skip)]
    to: Option<Date>,
    #[garde(custom(optional(within(1, Paging::MAX_PAGE))))]
    page: Option<u32>,
    #[garde(custom(optional(within(1, Paging::MAX_PER_PAGE))))]
    per_page: Option<u32>,
}

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
