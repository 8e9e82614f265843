//! What we mend in a span before it is written, as Jaeger's sanitizers do; each mend is counted.
