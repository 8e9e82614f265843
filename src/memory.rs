//! The one limit on memory: bytes are charged from the first byte of a request's body to the last
//! byte of the store's answer.
//!
//! A [`Reservation`] grows as bytes arrive and never waits: what cannot grow is refused at once,
//! with the protocol's own word for *not now*. Dropping it gives the bytes back.
//!
//! Not all that a process holds can be charged: code's own data, what the allocator keeps, buffers
//! of libraries. So the process is weighed all the time ([`Budget::weigh`]), and what it holds
//! beyond what is charged, its *overhead*, takes its place under the limit. The overhead of one
//! moment may be memory that the next body is put into, or that the allocator never gives back: it
//! never takes more than half, so that work always goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The limit and what is taken of it.
#[derive(Debug)]
pub struct Budget {
    limit: usize,
    used: AtomicUsize,
    overhead: AtomicUsize,
}

/// The limit would be passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("memory limit reached")]
pub struct OverLimit;

impl Budget {
    /// A budget of `limit` bytes.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Budget { limit, used: AtomicUsize::new(0), overhead: AtomicUsize::new(0) })
    }

    pub fn limit(&self) -> usize {
        self.limit
    }

    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// What the process held beyond that when it was last weighed, as far as it counts.
    pub fn overhead(&self) -> usize {
        self.overhead.load(Ordering::Relaxed)
    }

    /// The process holds `resident` bytes of memory of its own.
    pub fn weigh(&self, resident: usize) {
        let overhead = resident.saturating_sub(self.used()).min(self.limit / 2);
        self.overhead.store(overhead, Ordering::Relaxed);
    }

    /// True if there is no room for another body worth the name.
    pub fn is_full(&self) -> bool {
        self.used() + self.overhead() + self.limit / 64 > self.ceiling()
    }

    /// The largest body that a single request may bring: an eighth of the limit.
    pub fn largest_body(&self) -> usize {
        self.limit / 8
    }

    /// An empty reservation.
    pub fn reserve(self: &Arc<Self>) -> Reservation {
        Reservation { budget: self.clone(), bytes: 0, ceiling: self.ceiling() }
    }

    /// An empty reservation for a connection. Bodies leave a sixteenth of the limit to them, or
    /// nobody could be told that it is reached.
    pub fn reserve_for_connection(self: &Arc<Self>) -> Reservation {
        Reservation { budget: self.clone(), bytes: 0, ceiling: self.limit }
    }

    /// An empty reservation for an answer of the store. What it answers for leaves the memory when it
    /// was read: bodies leave room to it, as to connections.
    pub fn reserve_for_answer(self: &Arc<Self>) -> Reservation {
        self.reserve_for_connection()
    }

    fn ceiling(&self) -> usize {
        self.limit - self.limit / 16
    }

    fn take(&self, bytes: usize, ceiling: usize) -> Result<(), OverLimit> {
        let room = ceiling.saturating_sub(self.overhead());
        let fits = |used: usize| used.checked_add(bytes).filter(|&sum| sum <= room);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).map(|_| ()).map_err(|_| OverLimit)
    }
}

/// Bytes taken of a budget, given back when dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: Arc<Budget>,
    bytes: usize,
    ceiling: usize,
}

impl Reservation {
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes `more` bytes, or none and an error. Never waits.
    pub fn grow(&mut self, more: usize) -> Result<(), OverLimit> {
        self.budget.take(more, self.ceiling)?;
        self.bytes += more;
        Ok(())
    }

    /// Takes `more` bytes though the limit may be passed: for a little that must be read before much
    /// can be let go.
    pub fn insist(&mut self, more: usize) {
        self.budget.used.fetch_add(more, Ordering::Relaxed);
        self.bytes += more;
    }

    /// Makes it exactly `bytes`, which fails only if that is more than now.
    pub fn resize(&mut self, bytes: usize) -> Result<(), OverLimit> {
        if bytes > self.bytes {
            return self.grow(bytes - self.bytes);
        }
        self.budget.used.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
        self.bytes = bytes;
        Ok(())
    }

    /// Gives a buffer room for `room` bytes in all, and is `room` and `more` bytes after that. While
    /// it moves there may be two of it: both are charged.
    pub fn enlarge(&mut self, buffer: &mut Vec<u8>, room: usize, more: usize) -> Result<(), OverLimit> {
        self.resize(buffer.capacity() + room + more)?;
        buffer.reserve_exact(room.saturating_sub(buffer.len()));
        self.resize(room + more)
    }

    /// An empty one of the same kind.
    pub fn beside(&self) -> Reservation {
        Reservation { budget: self.budget.clone(), bytes: 0, ceiling: self.ceiling }
    }

    /// A reservation of `bytes`, as far as it can out of this one, which shrinks by so many.
    pub fn split(&mut self, bytes: usize) -> Result<Reservation, OverLimit> {
        if bytes > self.bytes {
            self.grow(bytes - self.bytes)?;
        }
        self.bytes -= bytes;
        Ok(Reservation { budget: self.budget.clone(), bytes, ceiling: self.ceiling })
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reservation_grows_to_the_limit_and_gives_back() {
        let budget = Budget::new(100);
        let mut one = budget.reserve();
        let mut two = budget.reserve();
        assert!(one.grow(60).is_ok());
        assert_eq!(two.grow(35), Err(OverLimit), "a sixteenth is left to connections");
        assert_eq!(two.bytes(), 0);
        assert!(two.grow(34).is_ok());
        assert!(one.resize(10).is_ok());
        assert_eq!(budget.used(), 44);
        drop((one, two));
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn a_buffer_that_moves_is_charged_twice_meanwhile() {
        let budget = Budget::new(1000);
        let (mut one, mut buffer) = (budget.reserve(), Vec::new());
        assert!(one.enlarge(&mut buffer, 300, 10).is_ok());
        assert_eq!((buffer.capacity(), budget.used()), (300, 310));
        assert_eq!(one.enlarge(&mut buffer, 700, 10), Err(OverLimit), "there may be 1010");
        assert_eq!((buffer.capacity(), budget.used()), (300, 310));
        assert!(one.enlarge(&mut buffer, 600, 10).is_ok());
        assert_eq!((buffer.capacity(), budget.used()), (600, 610));
    }

    #[test]
    fn a_reservation_is_split_and_grows_for_it_if_it_must() {
        let budget = Budget::new(100);
        let mut one = budget.reserve();
        assert!(one.grow(60).is_ok());
        let parts = (one.split(40).unwrap(), one.split(50).unwrap());
        assert_eq!((budget.used(), one.bytes()), (90, 0));
        assert_eq!(one.split(5).err(), Some(OverLimit));
        drop(parts);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn overhead_takes_its_place_and_never_all_of_it() {
        let budget = Budget::new(1600);
        let mut body = budget.reserve();
        assert!(body.grow(100).is_ok());
        budget.weigh(900);
        assert_eq!((budget.overhead(), budget.is_full()), (800, false));
        assert_eq!(body.grow(601), Err(OverLimit), "bodies leave a sixteenth");
        assert!(body.grow(600).is_ok());
        assert!(budget.is_full());
        assert!(budget.reserve_for_connection().grow(100).is_ok());
        assert!(budget.reserve_for_connection().grow(101).is_err());
        budget.weigh(5000);
        drop(body);
        assert_eq!(budget.overhead(), 800);
        assert!(budget.reserve().grow(700).is_ok());
    }

    #[test]
    fn what_is_insisted_on_is_counted_and_given_back() {
        let budget = Budget::new(100);
        let mut one = budget.reserve_for_answer();
        one.insist(150);
        assert_eq!((one.bytes(), budget.used(), one.grow(1)), (150, 150, Err(OverLimit)));
        drop(one);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn a_huge_request_does_not_overflow() {
        let budget = Budget::new(usize::MAX);
        let mut one = budget.reserve();
        assert!(one.grow(10).is_ok());
        assert_eq!(one.grow(usize::MAX), Err(OverLimit));
    }
}
