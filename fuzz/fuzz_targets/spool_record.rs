//! A segment file of the spool that somebody made up: no panic, every byte accounted for, items
//! within their documents, and the same read at once or step by step.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spaniel_fuzz::hostile;

fuzz_target!(|input: &[u8]| hostile::check(input));
