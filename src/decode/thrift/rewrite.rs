//! A Thrift struct in the compact protocol, rewritten in the binary one: the same fields with the same
//! values, whatever they mean. For those who read only the latter.

use super::{Compact, Protocol, TOO_DEEP, Type};
use crate::decode::fault::{Fault, Read};
use crate::span::Limit;

/// What is written passes the limit that was set.
pub(crate) const TOO_LONG: &Fault = &Fault::limit(Limit::Built, "the rewritten struct is too long");

/// Rewrites the struct that `wire` stands before; at most `most` bytes, nested at most `depth` deep.
pub(crate) fn to_binary(wire: &mut Compact<'_>, depth: usize, most: usize) -> Read<Vec<u8>> {
    let mut rewriter = Rewriter { out: Vec::new(), most };
    rewriter.value(wire, Type::Struct, depth)?;
    Ok(rewriter.out)
}

struct Rewriter {
    out: Vec<u8>,
    most: usize,
}

impl Rewriter {
    fn put(&mut self, bytes: &[u8]) -> Read<()> {
        if self.out.len() + bytes.len() > self.most {
            return Err(TOO_LONG);
        }
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn length(&mut self, length: usize) -> Read<()> {
        let length = u32::try_from(length).map_err(|_| TOO_LONG)?;
        self.put(&length.to_be_bytes())
    }

    fn value(&mut self, wire: &mut Compact<'_>, kind: Type, depth: usize) -> Read<()> {
        match kind {
            Type::Bool => {
                let value = wire.bool()?;
                self.put(&[value.into()])
            }
            Type::I8 => {
                let start = wire.offset();
                wire.skip_small(kind)?;
                self.put(wire.since(start))
            }
            // A varint as any other: what does not fit was no 16-bit integer.
            Type::I16 => {
                let value = wire.i32()? as i16;
                self.put(&value.to_be_bytes())
            }
            Type::I32 => {
                let value = wire.i32()?;
                self.put(&value.to_be_bytes())
            }
            Type::I64 => {
                let value = wire.i64()?;
                self.put(&value.to_be_bytes())
            }
            Type::Double => {
                let value = wire.double()?;
                self.put(&value.to_bits().to_be_bytes())
            }
            Type::Binary => {
                let bytes = wire.binary()?;
                self.length(bytes.len())?;
                self.put(bytes)
            }
            Type::Struct => self.fields(wire, depth.checked_sub(1).ok_or(TOO_DEEP)?),
            Type::Set | Type::List => self.list(wire, depth.checked_sub(1).ok_or(TOO_DEEP)?),
            Type::Map => self.map(wire, depth.checked_sub(1).ok_or(TOO_DEEP)?),
        }
    }

    fn fields(&mut self, wire: &mut Compact<'_>, depth: usize) -> Read<()> {
        let outer = wire.enter();
        while let Some(field) = wire.field()? {
            self.put(&[code(field.kind)])?;
            self.put(&field.id.to_be_bytes())?;
            self.value(wire, field.kind, depth)?;
        }
        wire.leave(outer);
        self.put(&[0])
    }

    fn list(&mut self, wire: &mut Compact<'_>, depth: usize) -> Read<()> {
        let list = wire.list()?;
        self.put(&[code(list.kind)])?;
        self.length(list.length as usize)?;
        for _ in 0..list.length {
            self.value(wire, list.kind, depth)?;
        }
        Ok(())
    }

    fn map(&mut self, wire: &mut Compact<'_>, depth: usize) -> Read<()> {
        let (kinds, length) = wire.map()?;
        // An empty map has no types in the compact protocol, and must have some in the binary one.
        let (key, value) = kinds.unwrap_or((Type::Binary, Type::Binary));
        self.put(&[code(key), code(value)])?;
        self.length(length as usize)?;
        for _ in 0..length {
            self.value(wire, key, depth)?;
            self.value(wire, value, depth)?;
        }
        Ok(())
    }
}

fn code(kind: Type) -> u8 {
    match kind {
        Type::Bool => 2,
        Type::I8 => 3,
        Type::Double => 4,
        Type::I16 => 6,
        Type::I32 => 8,
        Type::I64 => 10,
        Type::Binary => 11,
        Type::Struct => 12,
        Type::Map => 13,
        Type::Set => 14,
        Type::List => 15,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A struct of every kind of field, as the `thrift` crate writes it by a protocol of its own.
    fn written(out: &mut dyn thrift::protocol::TOutputProtocol) -> thrift::Result<()> {
        use thrift::protocol::{TFieldIdentifier, TListIdentifier, TMapIdentifier, TStructIdentifier, TType};
        let field = |kind, id| TFieldIdentifier::new("f", kind, id);
        out.write_struct_begin(&TStructIdentifier::new("s"))?;
        for (id, value) in [(1, true), (2, false)] {
            out.write_field_begin(&field(TType::Bool, id))?;
            out.write_bool(value)?;
            out.write_field_end()?;
        }
        out.write_field_begin(&field(TType::I08, 3))?;
        out.write_i8(-7)?;
        out.write_field_end()?;
        out.write_field_begin(&field(TType::I16, 400))?;
        out.write_i16(-300)?;
        out.write_field_end()?;
        out.write_field_begin(&field(TType::I32, 401))?;
        out.write_i32(i32::MIN)?;
        out.write_field_end()?;
        out.write_field_begin(&field(TType::I64, 402))?;
        out.write_i64(i64::MIN)?;
        out.write_field_end()?;
        out.write_field_begin(&field(TType::Double, 403))?;
        out.write_double(-0.25)?;
        out.write_field_end()?;
        out.write_field_begin(&field(TType::String, 404))?;
        out.write_bytes(b"bytes\xff")?;
        out.write_field_end()?;
        out.write_field_begin(&field(TType::List, 405))?;
        out.write_list_begin(&TListIdentifier::new(TType::Bool, 2))?;
        out.write_bool(true)?;
        out.write_bool(false)?;
        out.write_list_end()?;
        out.write_field_end()?;
        out.write_field_begin(&field(TType::List, 406))?;
        out.write_list_begin(&TListIdentifier::new(TType::Struct, 20))?;
        for number in 0..20 {
            out.write_struct_begin(&TStructIdentifier::new("t"))?;
            out.write_field_begin(&field(TType::I32, 5))?;
            out.write_i32(number)?;
            out.write_field_end()?;
            out.write_field_stop()?;
            out.write_struct_end()?;
        }
        out.write_list_end()?;
        out.write_field_end()?;
        out.write_field_begin(&field(TType::Map, 407))?;
        out.write_map_begin(&TMapIdentifier::new(TType::String, TType::I32, 1))?;
        out.write_string("key")?;
        out.write_i32(9)?;
        out.write_map_end()?;
        out.write_field_end()?;
        out.write_field_stop()?;
        out.write_struct_end()?;
        out.flush()
    }

    #[test]
    fn the_binary_protocol_of_another_crate_is_what_comes_out() {
        use thrift::protocol::{TBinaryOutputProtocol, TCompactOutputProtocol};
        let (mut compact, mut binary) = (Vec::new(), Vec::new());
        written(&mut TCompactOutputProtocol::new(&mut compact)).unwrap();
        written(&mut TBinaryOutputProtocol::new(&mut binary, true)).unwrap();
        let rewrite = |most| to_binary(&mut Compact::new(&compact), 64, most);
        assert_eq!(rewrite(1 << 20), Ok(binary.clone()));
        assert_eq!(rewrite(binary.len() - 1), Err(TOO_LONG));
        for length in 0..compact.len() {
            assert!(to_binary(&mut Compact::new(&compact[..length]), 64, 1 << 20).is_err(), "{length}");
        }
    }

    #[test]
    fn nesting_ends_at_its_limit() {
        // A struct in field 1 of a struct, and so on.
        let deep = vec![0x1c; 1_000_000];
        assert_eq!(to_binary(&mut Compact::new(&deep), 64, 1 << 20), Err(TOO_DEEP));
    }
}
