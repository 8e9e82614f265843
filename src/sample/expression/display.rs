//! An expression as it would be written; read again it is the same.

use std::fmt::{Display, Formatter, Result, Write};

use super::{Comparison, Expression, Field, Literal, Test};

impl Display for Expression {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match self {
            Expression::All(parts) => joined(out, parts, " and ", |part| matches!(part, Expression::Any(_))),
            Expression::Any(parts) => joined(out, parts, " or ", |_| false),
            Expression::Not(inner) => {
                out.write_str("not ")?;
                grouped(out, inner, matches!(**inner, Expression::All(_) | Expression::Any(_)))
            }
            Expression::Test(field, test) => write!(out, "{field}{test}"),
            Expression::Constant(value) => write!(out, "{value}"),
        }
    }
}

/// Parts of their own kind stand in parentheses, too: they were written so.
fn joined(out: &mut Formatter<'_>, parts: &[Expression], word: &str, binds_less: fn(&Expression) -> bool) -> Result {
    let all = word == " and ";
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            out.write_str(word)?;
        }
        let same = matches!((part, all), (Expression::All(_), true) | (Expression::Any(_), false));
        grouped(out, part, same || binds_less(part))?;
    }
    Ok(())
}

fn grouped(out: &mut Formatter<'_>, part: &Expression, group: bool) -> Result {
    if group { write!(out, "({part})") } else { write!(out, "{part}") }
}

impl Display for Field {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match self {
            Field::Tag(key) => {
                out.write_str("tag(")?;
                quoted(out, &key.name)?;
                out.write_char(')')
            }
            Field::Resource(key) => {
                out.write_str("resource(")?;
                quoted(out, &key.name)?;
                out.write_char(')')
            }
            named => {
                let name = Field::NAMES.iter().find(|(_, field)| field == named).map_or("", |(name, _)| name);
                out.write_str(name)
            }
        }
    }
}

impl Display for Test {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match self {
            Test::True => Ok(()),
            Test::Compare(comparison, literal) => write!(out, " {comparison} {literal}"),
            Test::In(list) => {
                out.write_str(" in [")?;
                for (index, literal) in list.iter().enumerate() {
                    write!(out, "{}{literal}", if index > 0 { ", " } else { "" })?;
                }
                out.write_char(']')
            }
            Test::Contains(part) => worded(out, "contains", &part.text),
            Test::StartsWith(text) => worded(out, "starts_with", text),
            Test::Matches(pattern) => worded(out, "matches", pattern.as_str()),
        }
    }
}

fn worded(out: &mut Formatter<'_>, word: &str, text: &str) -> Result {
    write!(out, " {word} ")?;
    quoted(out, text)
}

impl Display for Comparison {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        out.write_str(match self {
            Comparison::Equal => "==",
            Comparison::NotEqual => "!=",
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => ">=",
        })
    }
}

impl Display for Literal {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match self {
            Literal::Text(text) => quoted(out, text),
            Literal::Number(number) => write!(out, "{number}"),
            Literal::Duration(micros) if micros % 1_000_000 == 0 => write!(out, "{}s", micros / 1_000_000),
            Literal::Duration(micros) if micros % 1_000 == 0 => write!(out, "{}ms", micros / 1_000),
            Literal::Duration(micros) => write!(out, "{micros}us"),
            Literal::Bool(value) => write!(out, "{value}"),
        }
    }
}

/// A text has one kind of quotes in it at most: it was written between the others.
fn quoted(out: &mut Formatter<'_>, text: &str) -> Result {
    let quote = if text.contains('\'') { '"' } else { '\'' };
    write!(out, "{quote}{text}{quote}")
}
