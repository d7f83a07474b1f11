//! Which request is sent next, and whether an answer agrees with all that came before.

use std::collections::VecDeque;
use std::net::Ipv4Addr;

use exodrive_example_server::domain::{Period, Today};
use exodrive_example_server::seed::{DEMO_USERS, customer_key};
use fastrand::Rng;
use http::Method;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::calendar::{Calendar, Window};
use crate::kind::Kind;
use crate::ledger::{Asked, Ledger, Slot};
use crate::popularity::Popularity;
use crate::schedule::Lane;

/// The one who asks too often.
const GREEDY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// Readers have the addresses from here on, customers those after them.
const FIRST_READER: u32 = 0x0A00_0000;
const FIRST_CUSTOMER: u32 = 0x0A80_0000;

/// What the fleet of the server is, as it says itself.
#[derive(Debug)]
pub(crate) struct Fleet {
    /// The cars, the most popular one first.
    pub(crate) cars: Vec<String>,
    /// The query strings of its listings, the most popular one first.
    pub(crate) listings: Vec<String>,
    /// A car that changes its price now and then, with what has to be said of it then.
    pub(crate) repriced: (String, Value),
}

/// How many take part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crowd {
    /// Addresses from which anonymous clients read.
    pub(crate) readers: u32,
    /// Customers, who book and read.
    pub(crate) customers: u32,
}

/// A request, and what it does.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) kind: Kind,
    pub(crate) method: Method,
    pub(crate) path: String,
    /// From where it comes.
    pub(crate) address: Ipv4Addr,
    pub(crate) key: Option<String>,
    pub(crate) body: Option<Value>,
    action: Action,
}

/// What its answer has to agree with, or changes.
#[derive(Debug)]
enum Action {
    None,
    Compare { car: usize, window: Window },
    Book(Booking),
    Cancel(Booking),
    Clash(Booking),
}

/// A car held by a customer; the identifier is known once that is answered.
#[derive(Debug)]
struct Booking {
    car: usize,
    slot: Slot,
    customer: u32,
    id: String,
}

/// The state of it all.
#[derive(Debug)]
pub(crate) struct Scenario {
    random: Rng,
    calendar: Calendar,
    fleet: Fleet,
    crowd: Crowd,
    popular_cars: Popularity,
    popular_listings: Popularity,
    ledgers: Vec<Ledger>,
    /// Cars that nobody books at the moment, each with the slot that is next, the one that waits longest first.
    free: VecDeque<(usize, Slot)>,
    /// Those that are booked, the one that is so longest first.
    booked: VecDeque<Booking>,
    days_ahead: Vec<Period>,
    last_customer: u32,
    price_changes: u32,
}

impl Scenario {
    pub(crate) fn new(fleet: Fleet, crowd: Crowd, today: Today) -> Self {
        let days_ahead = |weeks: i64| {
            let first = Period::starting(today.date(), 7 * weeks).to();
            Period::starting(first, 3)
        };
        Self {
            // The same requests in every run.
            random: Rng::with_seed(1),
            calendar: Calendar::new(today),
            popular_cars: Popularity::of(fleet.cars.len()),
            popular_listings: Popularity::of(fleet.listings.len()),
            ledgers: fleet.cars.iter().map(|_| Ledger::default()).collect(),
            free: (0..fleet.cars.len()).map(|car| (car, car % 2)).collect(),
            booked: VecDeque::new(),
            days_ahead: (1..=8).map(days_ahead).collect(),
            last_customer: 0,
            price_changes: 0,
            fleet,
            crowd,
        }
    }

    /// The next request of its lane; none if every car waits for an answer.
    pub(crate) fn next(&mut self, lane: Lane) -> Option<Request> {
        match lane {
            Lane::Read => Some(self.read()),
            Lane::Write => self.write(),
        }
    }

    fn read(&mut self) -> Request {
        match self.random.u32(..1_000) {
            0..300 => {
                let listing = self.popular_listings.draw(&mut self.random);
                let path = format!("/api/v1/fleet?{}", self.fleet.listings[listing]);
                self.reading(Kind::Fleet, path)
            }
            300..305 => {
                let days = self.random.choice(&self.days_ahead).copied();
                let query = days.map(days_query).unwrap_or_default();
                self.reading(Kind::FreeCars, format!("/api/v1/fleet?{query}"))
            }
            305..695 => {
                let car = self.car();
                let path = format!("/api/v1/cars/{}", self.fleet.cars[car]);
                self.reading(Kind::Car, path)
            }
            695..990 => {
                let car = self.car();
                let window = self.random.usize(..self.calendar.windows().len());
                let window = self.calendar.windows()[window].clone();
                let (id, days) = (&self.fleet.cars[car], days_query(window.period()));
                let path = format!("/api/v1/cars/{id}/availability?{days}");
                let request = self.reading(Kind::Availability, path);
                Request {
                    action: Action::Compare { car, window },
                    ..request
                }
            }
            990..995 => {
                let path = format!("/api/v1/cars/nowhere-{}", self.random.u32(..100));
                self.reading(Kind::UnknownCar, path)
            }
            _ => Request {
                address: GREEDY,
                key: None,
                ..self.reading(Kind::Greedy, "/api/v1/fleet".to_owned())
            },
        }
    }

    fn car(&mut self) -> usize {
        self.popular_cars.draw(&mut self.random)
    }

    /// One in five readers shows a key.
    fn reading(&mut self, kind: Kind, path: String) -> Request {
        let (address, key) = if self.random.u32(..5) == 0 {
            let customer = self.random.u32(1..=self.crowd.customers);
            (address_of(customer), Some(customer_key(customer)))
        } else {
            let reader = self.random.u32(..self.crowd.readers);
            (Ipv4Addr::from(FIRST_READER + reader), None)
        };
        Request {
            kind,
            method: Method::GET,
            path,
            address,
            key,
            body: None,
            action: Action::None,
        }
    }

    fn write(&mut self) -> Option<Request> {
        match self.random.u32(..1_000) {
            0..2 => Some(self.change_a_price()),
            2..22 if !self.booked.is_empty() => {
                let booking = self.booked.pop_front()?;
                Some(self.clash(booking))
            }
            // A quarter of the cars are booked at any time; what is above that is given back.
            _ if self.booked.len() > self.fleet.cars.len() / 4 || self.free.is_empty() => {
                let booking = self.booked.pop_front()?;
                Some(Self::cancel(booking))
            }
            _ => {
                let (car, slot) = self.free.pop_front()?;
                Some(self.book(car, slot))
            }
        }
    }

    /// Customers take turns, so that each makes as few bookings as possible.
    fn customer(&mut self) -> u32 {
        self.last_customer = self.last_customer % self.crowd.customers + 1;
        self.last_customer
    }

    fn book(&mut self, car: usize, slot: Slot) -> Request {
        let booking = Booking {
            car,
            slot,
            customer: self.customer(),
            id: String::new(),
        };
        let mut request = writing(Kind::Booking, Method::POST, booking.customer);
        request.body = Some(self.wish(&booking));
        request.action = Action::Book(booking);
        request
    }

    fn clash(&mut self, booking: Booking) -> Request {
        let customer = self.customer();
        let mut request = writing(Kind::Clash, Method::POST, customer);
        request.body = Some(self.wish(&booking));
        request.action = Action::Clash(booking);
        request
    }

    fn cancel(booking: Booking) -> Request {
        let mut request = writing(Kind::Cancellation, Method::DELETE, booking.customer);
        request.path = format!("/api/v1/bookings/{}", booking.id);
        request.action = Action::Cancel(booking);
        request
    }

    fn change_a_price(&mut self) -> Request {
        self.price_changes += 1;
        let (car, said) = &self.fleet.repriced;
        let mut said = said.clone();
        said["pricePerDayCents"] = json!(5_000 + self.price_changes % 100);
        let mut request = writing(Kind::PriceChange, Method::PUT, 0);
        request.path = format!("/api/v1/cars/{car}");
        request.key = DEMO_USERS.last().map(|user| user.key.to_owned());
        request.body = Some(said);
        request
    }

    fn wish(&self, booking: &Booking) -> Value {
        let period = self.calendar.period(booking.slot);
        json!({ "carId": self.fleet.cars[booking.car], "from": period.from(), "to": period.to() })
    }

    /// The request is about to be sent. Returns how much its answer has to show.
    pub(crate) fn sending(&mut self, request: &Request) -> Option<Asked> {
        match &request.action {
            Action::Compare { car, .. } => return Some(self.ledgers[*car].ask()),
            Action::Book(booking) => self.ledgers[booking.car].begin(Some(booking.slot)),
            Action::Cancel(booking) => self.ledgers[booking.car].begin(None),
            Action::Clash(_) | Action::None => {}
        }
        None
    }

    /// The request was answered with the status that it should have. Without that, a car stays out of use, as nobody
    /// knows whether it is booked.
    ///
    /// # Errors
    ///
    /// If the answer does not agree with what came before.
    pub(crate) fn answered(
        &mut self,
        request: Request,
        asked: Option<Asked>,
        answer: &Answer,
    ) -> Result<(), String> {
        match (request.action, asked) {
            (Action::Compare { car, window }, Some(asked)) => {
                let said = answer.json()?;
                let fits = |booked| self.calendar.fits(&window, booked, &said);
                if !self.ledgers[car].allows(asked, fits) {
                    let ledger = &self.ledgers[car];
                    return Err(format!("outdated: {said}, but {ledger:?} since {asked:?}"));
                }
            }
            (Action::Book(mut booking), _) => {
                let said = answer.json()?;
                said["id"]
                    .as_str()
                    .unwrap_or_default()
                    .clone_into(&mut booking.id);
                self.ledgers[booking.car].complete();
                self.booked.push_back(booking);
            }
            (Action::Cancel(booking), _) => {
                self.ledgers[booking.car].complete();
                let next = self.calendar.after(booking.slot);
                self.free.push_back((booking.car, next));
            }
            (Action::Clash(booking), _) => self.booked.push_back(booking),
            (Action::Compare { .. } | Action::None, _) => {}
        }
        Ok(())
    }
}

fn writing(kind: Kind, method: Method, customer: u32) -> Request {
    Request {
        kind,
        method,
        path: "/api/v1/bookings".to_owned(),
        address: address_of(customer),
        key: Some(customer_key(customer)),
        body: None,
        action: Action::None,
    }
}

fn days_query(days: Period) -> String {
    format!("from={}&to={}", days.from(), days.to())
}

fn address_of(customer: u32) -> Ipv4Addr {
    Ipv4Addr::from(FIRST_CUSTOMER + customer)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};

    use super::*;

    fn scenario() -> Scenario {
        let fleet = Fleet {
            cars: (0..40).map(|number| format!("car-{number}")).collect(),
            listings: vec!["page=1".to_owned(), "page=2".to_owned()],
            repriced: ("car-0".to_owned(), json!({ "city": "Berlin" })),
        };
        let crowd = Crowd {
            readers: 400,
            customers: 100,
        };
        Scenario::new(fleet, crowd, Today::utc())
    }

    fn answer(body: &Value) -> Answer {
        Answer {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Bytes::from(body.to_string()),
        }
    }

    fn complete(scenario: &mut Scenario, request: Request) {
        let asked = scenario.sending(&request);
        let said = answer(&json!({ "id": "booking-1" }));
        scenario.answered(request, asked, &said).unwrap();
    }

    #[test]
    fn finds_an_answer_outdated_that_does_not_show_a_completed_booking() {
        let mut scenario = scenario();
        let booking = scenario.book(7, 3);
        complete(&mut scenario, booking);
        let window = scenario.calendar.windows()[0].clone();
        let mut ask = |said: Value| {
            let request = Request {
                action: Action::Compare {
                    car: 7,
                    window: window.clone(),
                },
                ..scenario.reading(Kind::Availability, String::new())
            };
            let asked = scenario.sending(&request);
            scenario.answered(request, asked, &answer(&said))
        };
        let period = Calendar::new(Today::utc()).period(3);
        assert_eq!(ask(json!({ "available": false, "busy": [period] })), Ok(()));
        let outdated = ask(json!({ "available": true, "busy": [] })).unwrap_err();
        assert!(outdated.starts_with("outdated"), "{outdated}");
    }

    #[test]
    fn books_and_cancels_as_often_in_the_long_run_and_never_a_car_twice_at_once() {
        let mut scenario = scenario();
        let mut counts = HashMap::new();
        for _ in 0..10_000 {
            let request = scenario.write().unwrap();
            *counts.entry(request.kind.name()).or_insert(0) += 1;
            complete(&mut scenario, request);
            assert_eq!(scenario.free.len() + scenario.booked.len(), 40);
        }
        let (booked, cancelled) = (counts["booking"], counts["cancellation"]);
        assert!((0..=11).contains(&(booked - cancelled)), "{counts:?}");
        assert!(counts["price change"] > 0 && counts["booking of a taken car"] > 100);
    }

    #[test]
    fn customers_take_turns_and_cancel_what_they_booked_themselves() {
        let mut scenario = scenario();
        let booking = scenario.book(0, 0);
        let key = booking.key.clone();
        assert_ne!(scenario.book(1, 0).key, key);
        complete(&mut scenario, booking);
        let booking = scenario.booked.pop_front().unwrap();
        let cancellation = Scenario::cancel(booking);
        assert_eq!(cancellation.key, key);
        assert_eq!(cancellation.path, "/api/v1/bookings/booking-1");
    }

    #[test]
    fn stops_writing_while_every_car_waits_for_an_answer() {
        let mut scenario = scenario();
        let waiting: Vec<Request> = (0..200).filter_map(|_| scenario.write()).collect();
        let cars = waiting
            .iter()
            .filter(|one| one.kind == Kind::Booking)
            .count();
        assert_eq!(cars, 40);
    }
}
