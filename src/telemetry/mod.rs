//! What Spaniel says of itself: the books, metrics, health, logs, and the admin port.

pub mod books;
pub mod log;
