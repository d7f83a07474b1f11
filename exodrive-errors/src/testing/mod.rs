//! For the tests of a service: is this response an envelope, and does a whole router answer with nothing else?
//!
//! ```
//! use bytes::Bytes;
//! use exodrive_errors::testing::{Conformance, assert_envelope};
//! use exodrive_errors::{ApiError, ErrorCode, ErrorLayer};
//! use http::{Method, Request, Response};
//! use http_body_util::Full;
//! use tower::{ServiceBuilder, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let response: Response<Bytes> = ApiError::new(ErrorCode::NOT_FOUND).into();
//! assert_eq!(assert_envelope(&response).code(), "NOT_FOUND");
//!
//! let service = ServiceBuilder::new().layer(ErrorLayer::new()).service(service_fn(
//!     |_: Request<Full<Bytes>>| async {
//!         let response: Response<Full<Bytes>> = ApiError::new(ErrorCode::NOT_FOUND).into();
//!         Ok::<_, std::io::Error>(response)
//!     },
//! ));
//! let report = Conformance::new().json_route(Method::POST, "/cars").run(service).await;
//! assert!(report.is_conforming(), "{report}");
//! # }
//! ```

mod conformance;
mod envelope;

pub use conformance::Conformance;
pub use conformance::Report;
pub use envelope::assert_envelope;
pub use envelope::check_envelope;
