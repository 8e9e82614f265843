//! What Spaniel says of itself: the books, metrics, health, logs, and the admin port.

pub mod admin;
pub mod books;
pub mod health;
pub mod log;
pub mod metrics;
pub mod process;
