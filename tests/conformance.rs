//! Every route of the server, asked in every way that must fail, answers with an envelope.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::connect_info::MockConnectInfo;
use exodrive_errors::testing::Conformance;
use exodrive_example_server::config::Config;
use exodrive_example_server::stack;
use exodrive_tests::{ADMINISTRATOR, Server};
use http::header::AUTHORIZATION;
use http::{HeaderValue, Method};

/// The whole stack, called without a socket; the running server lends its state.
async fn app(server: &Server) -> Router {
    let mut config = Config::default();
    config.debug_routes = true;
    let address: SocketAddr = "192.0.2.1:4711".parse().unwrap();
    let app = stack::app(server.running.state(), &config).unwrap();
    app.layer(MockConnectInfo(address))
}

/// Every route, with an identifier that nothing has.
const ROUTES: [&str; 13] = [
    "/api/v1/bookings",
    "/api/v1/bookings/none",
    "/api/v1/cars",
    "/api/v1/cars/none",
    "/api/v1/cars/none/availability",
    "/api/v1/fleet",
    "/debug/panic",
    "/docs",
    "/errors",
    "/healthz",
    "/metrics",
    "/openapi.json",
    "/readyz",
];

/// Every route with a wrong method, and each with whatever else makes it fail.
fn every_failure() -> Conformance {
    let wrong_methods = ROUTES
        .iter()
        .fold(Conformance::new(), |run, path| run.route(path));
    let bodies = wrong_methods
        .json_route(Method::POST, "/api/v1/bookings")
        .json_route(Method::POST, "/api/v1/cars")
        .json_route(Method::PUT, "/api/v1/cars/none");
    [
        (Method::DELETE, "/api/v1/bookings/none"),
        (Method::DELETE, "/api/v1/cars/none"),
        (Method::GET, "/api/v1/cars/none"),
        (Method::HEAD, "/api/v1/cars/none"),
        (Method::GET, "/api/v1/cars/%FF"),
        (Method::GET, "/api/v1/cars/none/availability"),
        (
            Method::GET,
            "/api/v1/cars/none/availability?from=2030-01-01&to=2030-01-02",
        ),
        (Method::GET, "/api/v1/fleet?page=0"),
        (Method::GET, "/api/v1/fleet?page=none"),
        (Method::GET, "/debug/panic"),
        (Method::HEAD, "/debug/panic"),
    ]
    .into_iter()
    .fold(bodies, |run, (method, path)| {
        run.failing_route(method, path)
    })
}

#[tokio::test]
async fn every_failure_of_every_route_is_an_envelope() {
    // The limits answer with envelopes too, but they are not what is asked about here.
    let server = Server::start_with(|config| config.rate_limit_max_requests = 1_000).await;
    // Nobody in particular fails at the door, an administrator at the handlers, and a forged key before both.
    for key in [None, Some(ADMINISTRATOR), Some("forged")] {
        let run = match key {
            None => every_failure(),
            Some(key) => {
                let bearer = HeaderValue::from_str(&format!("Bearer {key}")).unwrap();
                every_failure().header(AUTHORIZATION, bearer)
            }
        };
        let report = run.run(app(&server).await).await;
        assert!(report.is_conforming(), "{key:?}: {report}");
    }
}

#[test]
fn every_route_of_the_readme_is_asked() {
    let readme = include_str!("../exodrive-example-server/README.md");
    let (_, table) = readme.split_once("## Routes").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    // `GET /api/v1/cars/{id}/availability?from=..&to=..`
    let routes = table.split('`').filter_map(|code| {
        let (_, path) = code.split_once(" /")?;
        let path = path.split('?').next()?;
        Some(format!("/{path}").replace("{id}", "none"))
    });
    let routes: BTreeSet<String> = routes.collect();
    assert!(routes.iter().eq(&ROUTES), "{routes:?}");
}
