//! Listeners and the manners of each protocol: routes, status codes, encodings, limits.
