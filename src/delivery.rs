//! Carries batches from the spool to the store and settles them.
