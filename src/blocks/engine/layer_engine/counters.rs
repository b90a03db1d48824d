//! What an engine did: products and vectors of each layer, and how coherent vectors were.

use std::sync::Arc;

use super::LayerEngineParameters;
use crate::blocks::engine::pe_cluster;
use crate::hdl::{Errors, Expr, Module, ModuleBuilder, Signal, bit, concat, index_width, uint};

/// Bits of a counter.
const BITS: u32 = 32;

/// The module of the counters. They wrap, so two readings have a right difference.
pub(super) fn describe(name: &str, p: &LayerEngineParameters) -> Result<Arc<Module>, Errors> {
    let m = ModuleBuilder::new(name);
    m.doc("Counts the work of each layer, and the bands of its vectors. Counters wrap.");
    let clear = m.input_doc("clear_i", bit(), "they begin again");
    let layer = uint(index_width(p.layers));
    let vector = m.input_doc("vector_i", bit(), "a vector begins");
    let vector_layer = m.input("vector_layer_i", layer);
    let one = uint(pe_cluster::products_bits(&p.cluster()));
    let products = m.input_doc("products_i", uint(p.clusters * one.width), "of each cluster");
    let products_layer = m.input("products_layer_i", uint(p.clusters * layer.width));
    let coherence = m.input_doc("coherence_i", bit(), "a vector's band is known");
    let band = m.input("band_i", uint(index_width(p.bands)));
    let first = m.input_doc("first_i", bit(), "there was no vector before it");

    let counter = |name: String, counts: Expr<'_>| {
        let counter = m.register(name, uint(BITS)).reset(0);
        m.when(clear, || counter.set(0))
            .or_when(counts, || counter.set((counter + 1).truncate(BITS)));
        counter.expr()
    };
    let all = |name: &str, doc: &str, counters: &[Expr<'_>]| {
        let counters: Vec<Expr> = counters.iter().rev().copied().collect();
        let output = m.output(name, uint(counters.len() as u32 * BITS));
        output.doc(doc).set(concat(&m, &counters));
    };
    let vectors: Vec<Expr> = (0..p.layers)
        .map(|l| counter(format!("vectors_{l}"), vector & vector_layer.eq(l)))
        .collect();
    all("vectors_o", "vectors that went through, of each layer", &vectors);

    // Clusters need not work on the same layer in a cycle.
    let (products, layers) = (products.elements(one), products_layer.elements(layer));
    let executed = |l: u32| -> Signal<'_> {
        let counter = m.register(format!("executed_{l}"), uint(BITS)).reset(0);
        let of_layer = products
            .iter()
            .zip(&layers)
            .map(|(&products, &of)| of.eq(l).mux(products, 0).wrap(one));
        let sum = of_layer.fold(counter.expr(), |sum, one| (sum + one).wrap(uint(BITS)));
        counter.set(clear.mux(0, sum).wrap(uint(BITS)));
        counter
    };
    let executed: Vec<Expr> = (0..p.layers).map(|l| executed(l).expr()).collect();
    all("executed_o", "products with weights, not 0, of each layer", &executed);

    let compared = (coherence & !first).named("compared");
    let bands: Vec<Expr> =
        (0..p.bands).map(|b| counter(format!("band_{b}"), compared & band.eq(b))).collect();
    all("bands_o", "vectors of each band, band 0 lowest", &bands);
    let firsts = counter("firsts".into(), coherence & first);
    m.output("firsts_o", uint(BITS)).doc("vectors without one before").set(firsts);
    m.finish()
}
