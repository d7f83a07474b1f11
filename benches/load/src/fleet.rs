//! What there is to ask for.

use std::collections::BTreeSet;

use serde_json::json;

use crate::client::Client;
use crate::scenario::Fleet;

/// Reads the whole list of cars.
///
/// # Errors
///
/// If there is none.
pub(crate) async fn explore(client: &Client) -> Result<Fleet, String> {
    let (mut cars, mut places) = (Vec::new(), BTreeSet::new());
    for page in 1.. {
        let list = client
            .json(&format!("/api/v1/fleet?per_page=100&page={page}"))
            .await?;
        let of_page = list["cars"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        if of_page.is_empty() {
            break;
        }
        for car in of_page {
            let text = |field: &str| car[field].as_str().unwrap_or_default().to_owned();
            cars.push(text("id"));
            places.insert((text("city"), text("category")));
        }
    }
    // The list begins with the cheapest cars; not all of those should be the popular ones.
    cars.sort_unstable();
    let last = cars.last().ok_or("the server has no cars")?;
    let car = client.json(&format!("/api/v1/cars/{last}")).await?;
    let said = json!({ "city": car["city"], "licencePlate": car["licencePlate"] });
    Ok(Fleet {
        listings: listings(&places),
        repriced: (last.clone(), said),
        cars,
    })
}

/// All cars, those of a city and those of a category there, with a second page now and then.
fn listings(places: &BTreeSet<(String, String)>) -> Vec<String> {
    let cities: BTreeSet<&str> = places.iter().map(|(city, _)| city.as_str()).collect();
    let mut listings: Vec<String> = (1..=3).map(|page| format!("page={page}")).collect();
    for page in 1..=2 {
        listings.extend(cities.iter().map(|city| format!("city={city}&page={page}")));
    }
    listings.extend(
        places
            .iter()
            .map(|(city, category)| format!("city={city}&category={category}")),
    );
    listings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_everything_first_and_categories_last() {
        let place = |category: &str| ("Berlin".to_owned(), category.to_owned());
        let listings = listings(&BTreeSet::from([place("suv"), place("van")]));
        assert_eq!(
            listings,
            [
                "page=1",
                "page=2",
                "page=3",
                "city=Berlin&page=1",
                "city=Berlin&page=2",
                "city=Berlin&category=suv",
                "city=Berlin&category=van",
            ]
        );
    }
}
