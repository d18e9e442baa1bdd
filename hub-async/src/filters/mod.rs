//! Filters that most hubs want sooner or later: [`RateLimit`], [`Timeout`], [`Tracing`] and [`Validation`].
//!
//! They are values of [`HubFilter`](crate::HubFilter), as one's own are, and stand in the order in which they were added:
//!
//! ```
//! use std::time::Duration;
//! use hub_async::filters::{RateLimit, Timeout, Tracing};
//! use hub_async::Hub;
//!
//! let hub = Hub::builder()
//!     .method("Add", async |a: i32, b: i32| a + b)
//!     .filter(Tracing::new("Calculator"))
//!     .filter(RateLimit::per_connection(100, Duration::from_secs(1)))
//!     .filter(Timeout::new(Duration::from_secs(30)))
//!     .build()?;
//! # Ok::<(), hub_async::BuildError>(())
//! ```

mod methods;
mod rate_limit;
mod timeout;
mod tracing;
mod validation;

pub use self::rate_limit::RateLimit;
pub use self::timeout::Timeout;
pub use self::tracing::Tracing;
pub use self::validation::Validation;
