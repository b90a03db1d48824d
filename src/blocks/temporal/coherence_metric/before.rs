//! What is remembered of the vectors before, besides their elements.

use super::CoherenceMetricParameters;
use super::sums::Sum;
use crate::hdl::{Expr, Memory, ModuleBuilder, Signal, bit, concat, index_width, uint};

/// What is remembered of the vector before.
pub(super) struct Before<'m> {
    /// Whether there is one, as the vector becomes whole.
    pub known: Expr<'m>,
    /// What says how long it was.
    pub length: Expr<'m>,
    /// Its own sums, in the order of [`Sum::needed`].
    pub sums: Vec<Option<Expr<'m>>>,
    /// The bands, where there are several contexts.
    bands: Option<Memory<'m>>,
}

impl<'m> Before<'m> {
    /// Replaces what is remembered by what is known of the vector that becomes whole at `load`.
    /// With several contexts, `context` is the vector's, below `contexts`.
    pub fn new(
        m: &'m ModuleBuilder,
        p: &CoherenceMetricParameters,
        sums: &[(Sum, Signal<'m>, Expr<'m>)],
        length: (Signal<'m>, Expr<'m>),
        contexts: Option<(Expr<'m>, u32)>,
        load: Expr<'m>,
    ) -> Before<'m> {
        let kept = sums.iter().filter(|(sum, ..)| sum.before().is_some());
        match contexts {
            None => {
                let shift = |name: &str, register: Signal<'m>| {
                    let before = m.register(name, register.ty());
                    m.when(load, || before.set(register));
                    before.expr()
                };
                let known = m.register("known", bit()).reset(0).doc("there is a vector before");
                m.when(load, || known.set(1));
                let before = |(sum, now, _): &(Sum, Signal<'m>, Expr<'m>)| {
                    sum.before().map(|name| shift(&format!("sum_{name}"), *now))
                };
                Before {
                    known: known.expr(),
                    length: shift("length_before", length.0),
                    sums: sums.iter().map(before).collect(),
                    bands: None,
                }
            }
            Some((context, contexts)) => {
                let known = m.register("known", uint(contexts)).reset(0);
                let one = m.constant(1, bit()).shift_left(context).wrap(uint(contexts));
                m.when(load, || known.set(known | one));
                // The sums become those of the vector before as they are replaced.
                let next = kept.map(|(_, _, next)| next.as_unsigned());
                let record: Vec<Expr> = std::iter::once(length.1).chain(next).collect();
                let record = concat(m, &record).named("record");
                let records = m.memory("records", contexts, record.ty()).asserted();
                records.write(context, record, load);
                let old = records.read("record_before", context, load);
                let mut low = old.width();
                let mut part = |width: u32| {
                    low -= width;
                    old.slice(low, width)
                };
                let length = part(length.1.width());
                let sums = sums.iter().map(|(sum, now, _)| {
                    let name = sum.before()?;
                    Some(part(now.width()).wrap(now.ty()).named(&format!("sum_{name}")))
                });
                let bands = m.memory("bands", contexts, uint(index_width(p.bands))).asserted();
                Before {
                    known: known.bit_at(context),
                    length,
                    sums: sums.collect(),
                    bands: Some(bands),
                }
            }
        }
    }

    /// The band of the vector before, once the vector is whole; `band` is the one decided last.
    pub fn band(&self, band: Signal<'m>, head: Option<Expr<'m>>, load: Expr<'m>) -> Expr<'m> {
        match (self.bands, head) {
            (Some(bands), Some(head)) => bands.read("band_before", head, load),
            _ => band.expr(),
        }
    }

    /// Keeps the band of a vector when it is decided.
    pub fn keep_band(&self, band: Expr<'m>, context: Option<Expr<'m>>, decided: Expr<'m>) {
        if let Some((bands, context)) = self.bands.zip(context) {
            bands.write(context, band, decided);
        }
    }
}
