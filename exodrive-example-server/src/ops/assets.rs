use axum::Router;
use axum::routing::get;
use http::header::CONTENT_TYPE;

/// Path, type and content of every file of the page.
const FILES: [(&str, &str, &str); 5] = [
    (
        "/",
        "text/html; charset=utf-8",
        include_str!("../../assets/index.html"),
    ),
    ("/assets/ops.css", CSS, include_str!("../../assets/ops.css")),
    (
        "/assets/ops.js",
        JAVASCRIPT,
        include_str!("../../assets/ops.js"),
    ),
    (
        "/assets/uplot.css",
        CSS,
        include_str!("../../assets/vendor/uplot/uPlot.min.css"),
    ),
    (
        "/assets/uplot.js",
        JAVASCRIPT,
        include_str!("../../assets/vendor/uplot/uPlot.iife.min.js"),
    ),
];

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// The page itself.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    FILES
        .into_iter()
        .fold(Router::new(), |router, (path, kind, text)| {
            router.route(path, get(async move || ([(CONTENT_TYPE, kind)], text)))
        })
}
