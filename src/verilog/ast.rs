//! Verilog expressions: a tree that already obeys the language's width and sign rules.
//!
//! Every operand of a context-determined operator is as wide as the operator's result, so that
//! the text means the same in any place where a value of that width is wanted.

use std::fmt::Write;

use num_bigint::BigInt;
use num_traits::{One, Signed, ToPrimitive, Zero};

use crate::hdl::{Type, uint};

/// A Verilog expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    /// A whole net, variable, genvar or named constant.
    Ident { name: String, width: u32, signed: bool },
    /// Bits `low` to `low + width - 1` of a net.
    Part { name: String, low: u32, width: u32 },
    /// One bit or element at an index.
    Index { name: String, index: Box<Expr>, width: u32, signed: bool },
    /// A sized number.
    Literal { value: BigInt, ty: Type },
    /// An operator before its operand.
    Unary { op: &'static str, operand: Box<Expr>, width: u32 },
    /// An operator between its operands.
    Binary { op: &'static str, left: Box<Expr>, right: Box<Expr>, width: u32 },
    /// `condition ? yes : no`.
    Ternary { condition: Box<Expr>, yes: Box<Expr>, no: Box<Expr> },
    /// `{a, b}`.
    Concat(Vec<Expr>),
    /// `{count{item}}`.
    Repeat { count: u32, item: Box<Expr> },
    /// `$signed(item)`.
    Signed(Box<Expr>),
    /// `$unsigned(item)`.
    Unsigned(Box<Expr>),
}

impl Expr {
    /// A number.
    pub(super) fn literal(value: impl Into<BigInt>, ty: Type) -> Expr {
        Expr::Literal { value: value.into(), ty }
    }

    pub(super) fn binary(op: &'static str, left: Expr, right: Expr, width: u32) -> Expr {
        Expr::Binary { op, left: left.into(), right: right.into(), width }
    }

    pub(super) fn unary(op: &'static str, operand: Expr, width: u32) -> Expr {
        Expr::Unary { op, operand: operand.into(), width }
    }

    /// The self-determined width in bits.
    pub(super) fn width(&self) -> u32 {
        match self {
            Expr::Ident { width, .. }
            | Expr::Part { width, .. }
            | Expr::Index { width, .. }
            | Expr::Unary { width, .. }
            | Expr::Binary { width, .. } => *width,
            Expr::Literal { ty, .. } => ty.width,
            Expr::Ternary { yes, .. } => yes.width(),
            Expr::Concat(items) => items.iter().map(Expr::width).sum(),
            Expr::Repeat { count, item } => count * item.width(),
            Expr::Signed(item) | Expr::Unsigned(item) => item.width(),
        }
    }

    /// Whether Verilog takes the expression for a signed one.
    pub(super) fn is_signed(&self) -> bool {
        match self {
            Expr::Ident { signed, .. } | Expr::Index { signed, .. } => *signed,
            Expr::Literal { ty, .. } => ty.signed,
            Expr::Signed(_) => true,
            Expr::Part { .. } | Expr::Concat(_) | Expr::Repeat { .. } | Expr::Unsigned(_) => false,
            Expr::Unary { op, operand, .. } => matches!(*op, "~" | "-") && operand.is_signed(),
            Expr::Binary { op, left, right, .. } => match *op {
                "<<" | ">>" | ">>>" => left.is_signed(),
                "+" | "-" | "*" | "&" | "|" | "^" => left.is_signed() && right.is_signed(),
                _ => false,
            },
            Expr::Ternary { yes, no, .. } => yes.is_signed() && no.is_signed(),
        }
    }

    /// Whether the value does not change in a place that is wider than the expression.
    pub(super) fn is_self_determined(&self) -> bool {
        match self {
            Expr::Unary { op, .. } => !matches!(*op, "~" | "-"),
            Expr::Binary { op, .. } => {
                matches!(*op, "==" | "!=" | "<" | "<=" | ">" | ">=" | "&&" | "||")
            }
            Expr::Ternary { .. } => false,
            _ => true,
        }
    }

    /// Whether the text is short enough to stand wherever its value is used.
    pub(super) fn is_atomic(&self) -> bool {
        match self {
            Expr::Ident { .. } | Expr::Part { .. } | Expr::Literal { .. } => true,
            Expr::Concat(items) => items.iter().all(Expr::is_atomic),
            Expr::Repeat { item, .. } | Expr::Signed(item) => item.is_atomic(),
            _ => false,
        }
    }

    /// Calls `f` with each net that is read: its name, and the lowest bit and the number of bits.
    pub(super) fn reads(&self, f: &mut dyn FnMut(&str, u32, u32)) {
        match self {
            Expr::Ident { name, width, .. } => f(name, 0, *width),
            Expr::Part { name, low, width } => f(name, *low, *width),
            Expr::Index { name, index, .. } => {
                f(name, 0, u32::MAX);
                index.reads(f);
            }
            Expr::Literal { .. } => {}
            Expr::Unary { operand, .. } => operand.reads(f),
            Expr::Binary { left, right, .. } => {
                left.reads(f);
                right.reads(f);
            }
            Expr::Ternary { condition, yes, no } => {
                condition.reads(f);
                yes.reads(f);
                no.reads(f);
            }
            Expr::Concat(items) => items.iter().for_each(|item| item.reads(f)),
            Expr::Repeat { item, .. } | Expr::Signed(item) | Expr::Unsigned(item) => item.reads(f),
        }
    }

    /// The text.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) {
        match self {
            Expr::Ident { name, .. } => out.push_str(name),
            Expr::Part { name, low, width: 1 } => {
                let _ = write!(out, "{name}[{low}]");
            }
            Expr::Part { name, low, width } => {
                let _ = write!(out, "{name}[{}:{low}]", low + width - 1);
            }
            Expr::Index { name, index, .. } => {
                let _ = write!(out, "{name}[{}]", index.text());
            }
            Expr::Literal { value, ty } => out.push_str(&literal(value, *ty)),
            Expr::Unary { op, operand, .. } => {
                out.push_str(op);
                operand.write_operand(out, None);
            }
            Expr::Binary { op, left, right, .. } => {
                left.write_operand(out, Some(op));
                let _ = write!(out, " {op} ");
                // Only on the left: `a - (b - c)` is not `a - b - c`.
                let chain = matches!(*op, "&&" | "||" | "&" | "|" | "^").then_some(*op);
                right.write_operand(out, chain);
            }
            Expr::Ternary { condition, yes, no } => {
                condition.write_operand(out, None);
                out.push_str(" ? ");
                yes.write_operand(out, None);
                out.push_str(" : ");
                match **no {
                    Expr::Ternary { .. } => no.write(out),
                    _ => no.write_operand(out, None),
                }
            }
            Expr::Concat(items) => {
                let items: Vec<String> = items.iter().map(Expr::text).collect();
                let _ = write!(out, "{{{}}}", items.join(", "));
            }
            Expr::Repeat { count, item } => {
                let _ = write!(out, "{{{count}{{{}}}}}", item.text());
            }
            Expr::Signed(item) => {
                let _ = write!(out, "$signed({})", item.text());
            }
            Expr::Unsigned(item) => {
                let _ = write!(out, "$unsigned({})", item.text());
            }
        }
    }

    /// Writes an operand, in parentheses unless it needs none. Only a chain of one operator goes
    /// without: nobody should need Verilog's precedence table to read the text.
    fn write_operand(&self, out: &mut String, chained: Option<&str>) {
        let bare = match self {
            Expr::Binary { op, .. } => chained == Some(op) && !matches!(*op, "<<" | ">>" | ">>>"),
            Expr::Ternary { .. } => false,
            Expr::Unary { op, .. } => matches!(*op, "!" | "~") && chained.is_some(),
            // A minus sign in front of a literal is an operator too.
            Expr::Literal { value, .. } => !value.is_negative() || chained.is_some(),
            _ => true,
        };
        if bare {
            self.write(out);
        } else {
            out.push('(');
            self.write(out);
            out.push(')');
        }
    }
}

/// A number as an engineer would write it: decimal where it is small, hexadecimal where it is a
/// pattern.
fn literal(value: &BigInt, ty: Type) -> String {
    let (width, sign) = (ty.width, if ty.signed { "s" } else { "" });
    if width == 1 {
        return format!("1'{sign}b{}", u8::from(!value.is_zero()));
    }
    // The least value has no positive counterpart of its width, so it is written as a pattern.
    let is_least = ty.signed && *value == ty.min();
    match value.abs().to_u64() {
        Some(magnitude) if magnitude < 100_000 && !is_least => {
            let minus = if value.is_negative() { "-" } else { "" };
            format!("{minus}{width}'{sign}d{magnitude}")
        }
        _ if width > LONGEST_PATTERN => {
            let pattern = uint(width).wrap(value);
            let part = |low: u32| {
                let ty = uint(LONGEST_PATTERN.min(width - low));
                literal(&ty.wrap(&(&pattern >> low)), ty)
            };
            let lows = (0..width).step_by(LONGEST_PATTERN as usize).rev();
            let parts = lows.map(part).collect::<Vec<_>>().join(", ");
            if ty.signed { format!("$signed({{{parts}}})") } else { format!("{{{parts}}}") }
        }
        _ => {
            let pattern = uint(width).wrap(value);
            let digits = format!("{pattern:x}");
            let missing = (width.div_ceil(4) as usize).saturating_sub(digits.len());
            format!("{width}'{sign}h{}{digits}", "0".repeat(missing.min(16)))
        }
    }
}

/// The most bits of a number in hexadecimal; a longer one is put together from such parts, so that a
/// line can be broken between them.
const LONGEST_PATTERN: u32 = 128;

/// `1'b1` or `1'b0`.
pub(super) fn bit_literal(one: bool) -> Expr {
    let value = if one { BigInt::one() } else { BigInt::zero() };
    Expr::Literal { value, ty: uint(1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hdl::sint;

    #[test]
    fn literals() {
        let text = |v: i64, ty| literal(&BigInt::from(v), ty);
        assert_eq!(text(5, uint(8)), "8'd5");
        assert_eq!(text(-5, sint(8)), "-8'sd5");
        assert_eq!(text(-128, sint(8)), "8'sh80");
        assert_eq!(text(1, uint(1)), "1'b1");
        assert_eq!(text(0xdead_beef, uint(40)), "40'h00deadbeef");
        let long = literal(&((BigInt::from(0xdead_beef_u32) << 128) + 7), uint(168));
        assert_eq!(long, "{40'h00deadbeef, 128'd7}");
        let least = literal(&sint(130).min(), sint(130));
        assert_eq!(least, "$signed({2'd2, 128'd0})");
    }

    #[test]
    fn parentheses() {
        let a = || Expr::Ident { name: "a".into(), width: 4, signed: false };
        let sum = || Expr::binary("+", a(), a(), 4);
        assert_eq!(Expr::binary("-", a(), Expr::binary("-", a(), a(), 4), 4).text(), "a - (a - a)");
        assert_eq!(Expr::binary("+", sum(), a(), 4).text(), "a + a + a");
        assert_eq!(
            Expr::binary("==", Expr::binary("&", a(), a(), 4), a(), 1).text(),
            "(a & a) == a"
        );
        assert_eq!(Expr::unary("!", Expr::unary("&", a(), 1), 1).text(), "!(&a)");
    }
}
