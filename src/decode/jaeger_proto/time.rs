//! `Timestamp` and `Duration` of protobuf, checked as Jaeger's library checks them.

use super::{Field, Wire};
use crate::decode::fault::{Fault, Read};
use crate::decode::protobuf::Message;
use crate::span::Reason;

const BAD_TIME: &Fault =
    &Fault::new(Reason::Time, "a time is not between the years 1 and 9999, or its nanos not 0 to 999999999");
const BAD_DURATION: &Fault =
    &Fault::new(Reason::Time, "a duration is beyond 292 years, or its seconds and nanos differ in sign");

/// Of groups, which are in no time.
const DEPTH: usize = 8;

/// The first and the last second of the years 1 to 9999.
const SECONDS: std::ops::RangeInclusive<i64> = FIRST_SECOND..=253_402_300_799;
const FIRST_SECOND: i64 = -62_135_596_800;

/// A time that was not sent: Go's zero, the year 1.
pub(super) const ABSENT: u64 = (FIRST_SECOND * 1_000_000).cast_unsigned();

const SECOND: i128 = 1_000_000_000;

/// Microseconds since 1970, rounded towards it; before it as two's complement.
#[inline]
pub(super) fn timestamp(message: Message<'_>) -> Read<u64> {
    let (seconds, nanos) = parts(message)?;
    if !SECONDS.contains(&seconds) || !(0..SECOND).contains(&i128::from(nanos)) {
        return Err(BAD_TIME);
    }
    let nanoseconds = i128::from(seconds) * SECOND + i128::from(nanos);
    Ok((nanoseconds / 1000) as u64)
}

/// Microseconds; less than nothing is at least one less.
#[inline]
pub(super) fn duration(message: Message<'_>) -> Read<i64> {
    let (seconds, nanos) = parts(message)?;
    let differ = (seconds > 0 && nanos < 0) || (seconds < 0 && nanos > 0);
    if differ || i128::from(nanos).abs() >= SECOND {
        return Err(BAD_DURATION);
    }
    let nanoseconds = i64::try_from(i128::from(seconds) * SECOND + i128::from(nanos)).map_err(|_| BAD_DURATION)?;
    Ok(if nanoseconds < 0 { (nanoseconds / 1000).min(-1) } else { nanoseconds / 1000 })
}

/// Seconds and nanos.
#[inline]
fn parts(mut message: Message<'_>) -> Read<(i64, i32)> {
    let (mut seconds, mut nanos) = (0, 0);
    while let Some(field) = message.field()? {
        match field {
            Field { number: 1, wire: Wire::Varint } => seconds = message.varint()?.cast_signed(),
            Field { number: 2, wire: Wire::Varint } => nanos = message.varint()? as i32,
            other => message.skip(other, DEPTH)?,
        }
    }
    Ok((seconds, nanos))
}
