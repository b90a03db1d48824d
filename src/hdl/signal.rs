//! Signals: what can be assigned.

use num_bigint::BigInt;

use super::builder::ModuleBuilder;
use super::error::ErrorKind;
use super::expr::{Expr, Operand, here};
use super::ir::{SignalId, SignalKind};

/// A wire, a register or an output of the module under description.
///
/// Wherever a value is wanted, a signal stands for its value; of a register, the value it holds
/// before the edge.
#[derive(Clone, Copy)]
pub struct Signal<'m> {
    pub(super) id: SignalId,
    pub(super) expr: Expr<'m>,
}

impl<'m> Signal<'m> {
    /// The signal's value.
    pub fn expr(self) -> Expr<'m> {
        self.expr
    }

    /// Assigns `value`, which has exactly the signal's type or is an integer constant that the
    /// type holds. A later assignment wins over an earlier one; under [`ModuleBuilder::when`] or
    /// [`ModuleBuilder::switch`] it counts only where the conditions hold.
    #[track_caller]
    pub fn set(self, value: impl Operand<'m>) {
        let source = here();
        let builder = self.expr.builder;
        let value = value.lift(builder, source);
        let (name, ty) = builder.with_signal(self.id, |s| (s.name.clone(), s.ty));
        let value = builder.exactly(&name, value, ty, source);
        builder.assign(self.id, value, source);
    }

    /// Makes reset give this register `value`, a constant that its type holds.
    #[track_caller]
    pub fn reset(self, value: impl Into<BigInt>) -> Signal<'m> {
        let source = here();
        let builder = self.expr.builder;
        let value: BigInt = value.into();
        let ty = self.expr.ty;
        if !ty.holds(&value) {
            let kind = ErrorKind::OutOfRange {
                what: format!("the reset value {value}"),
                range: format!("{ty}, which holds {} to {}", ty.min(), ty.max()),
            };
            builder.report(kind, source);
            return self;
        }
        let refused = builder.with_signal(self.id, |signal| match &mut signal.kind {
            SignalKind::Register { reset } => {
                *reset = Some(value);
                None
            }
            _ => Some(signal.name.clone()),
        });
        if let Some(name) = refused {
            let text = format!("`{name}` is not a register, so it has no reset value");
            builder.report(ErrorKind::Misuse(text), source);
        }
        self
    }

    /// Says what the signal means, in the comment at its declaration.
    pub fn doc(self, text: &str) -> Signal<'m> {
        self.expr.builder.with_signal(self.id, |signal| signal.doc = text.to_string());
        self
    }

    /// Adds a Verilog attribute, such as `keep` or `ram_style = "block"`, to the declaration.
    #[track_caller]
    pub fn attribute(self, text: &str) -> Signal<'m> {
        let printable = |c: char| c == ' ' || c.is_ascii_graphic();
        if text.is_empty() || text.contains("*)") || !text.chars().all(printable) {
            let text = format!("`{}` is no attribute", text.escape_default());
            self.expr.builder.report(ErrorKind::Misuse(text), here());
            return self;
        }
        self.expr.builder.with_signal(self.id, |signal| signal.attributes.push(text.to_string()));
        self
    }
}

impl<'m> std::ops::Deref for Signal<'m> {
    type Target = Expr<'m>;

    fn deref(&self) -> &Expr<'m> {
        &self.expr
    }
}

impl ModuleBuilder {
    /// The value in exactly the type that `target` needs: constants are fitted, anything else of
    /// another type is an error.
    pub(super) fn exactly<'m>(
        &'m self,
        target: &str,
        value: Expr<'m>,
        ty: super::ty::Type,
        source: super::ir::Source,
    ) -> Expr<'m> {
        let fits = || value.constant().is_some_and(|v| ty.holds(&v));
        // An illegal width is reported as such, below.
        if value.ty != ty && ty.is_legal() && !fits() {
            let (target, expected, found) = (target.to_string(), ty, value.ty);
            self.report(ErrorKind::TypeMismatch { target, expected, found }, source);
        }
        value.cast_at(ty, source)
    }
}
