//! Tenants that share a plan's quota, with costs by what is asked.

use std::convert::Infallible;
use std::error::Error;

use exodrive_ratelimit::{
    Decision, Limit, MemoryStore, Quota, RateLimitLayer, RateLimiter, Subject,
};
use http::{Request, Response, StatusCode, request};
use tower::{Layer, ServiceExt, service_fn};

/// The tenant of an authenticated request; the authentication has put it there.
#[derive(Clone)]
struct Tenant(&'static str);

fn tenant(request: &request::Parts) -> Option<Subject> {
    let Tenant(id) = request.extensions.get()?;
    Some(Subject::custom("tenant", id))
}

/// A report is worth fifty reads.
fn cost(request: &request::Parts) -> u32 {
    if request.uri.path() == "/report" {
        50
    } else {
        1
    }
}

fn get(path: &str, tenant: &'static str) -> http::Result<Request<()>> {
    Request::get(path).extension(Tenant(tenant)).body(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // The new plan is tried out in the shadow before it refuses anybody.
    let limiter = RateLimiter::builder(MemoryStore::default())
        .limit(
            Limit::gcra("plan", Quota::per_hour(100))
                .by(tenant)
                .cost_by(cost),
        )
        .limit(
            Limit::gcra("new-plan", Quota::per_hour(40))
                .by(tenant)
                .cost_by(cost)
                .shadow(),
        )
        .build()?;
    let serve = service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new(())) });
    let service = RateLimitLayer::new(limiter).layer(serve);

    let mut would_be_refused = 0;
    for (path, tenant, expected) in [
        ("/report", "acme", StatusCode::OK),
        ("/report", "acme", StatusCode::OK),
        ("/car", "acme", StatusCode::TOO_MANY_REQUESTS),
        ("/car", "globex", StatusCode::OK),
    ] {
        let response = service.clone().oneshot(get(path, tenant)?).await?;
        assert_eq!(response.status(), expected, "{path} for {tenant}");
        let decision: &Decision = response.extensions().get().ok_or("no decision")?;
        let shadows = decision.limits().iter().filter(|limit| limit.is_shadow());
        would_be_refused += shadows.filter(|limit| limit.refuses()).count();
    }
    assert_eq!(
        would_be_refused, 2,
        "both reports are too much for the new plan"
    );
    Ok(())
}
