//! How many thresholds a vector meets: one multiplier that takes its time, and one comparator.

use super::multiplier::Multiplier;
use super::sizes::Sizes;
use super::sums::Sum;
use super::thresholds::{Thresholds, effective};
use super::{CoherenceMetricParameters, Metric};
use crate::hdl::{
    Expr, Machine, MachineSwitch, ModuleBuilder, Signal, Type, bit, concat, index_width, sint, uint,
};

/// A whole vector, beside the one before. All of it stays while it is decided about.
pub(super) struct Whole<'m> {
    /// Each sum, and the same of the vector before where that is one of its own.
    pub sums: Vec<(Sum, Expr<'m>, Option<Expr<'m>>)>,
    /// How many elements it has.
    pub elements: Option<Expr<'m>>,
    /// Which metric counts: a bit for each that is built in.
    pub metrics: Vec<(Metric, Expr<'m>)>,
    /// The bit 1.
    pub always: Expr<'m>,
    /// The thresholds of its kind.
    pub thresholds: Thresholds<'m>,
    /// The band of the vector before.
    pub band_before: Expr<'m>,
    /// Whether there is none to compare with.
    pub first: Expr<'m>,
}

impl<'m> Whole<'m> {
    fn sum(&self, sum: Sum) -> (Expr<'m>, Expr<'m>) {
        let found = self.sums.iter().find(|(which, ..)| *which == sum);
        let (_, a, b) = found.expect("a metric that needs the sum is built in");
        (*a, b.unwrap_or(*a))
    }

    /// Whether one of these metrics counts; none if none is built in.
    fn is_any(&self, metrics: &[Metric]) -> Option<Expr<'m>> {
        if self.metrics.iter().all(|(metric, _)| metrics.contains(metric)) {
            return Some(self.always);
        }
        let flags = self.metrics.iter().filter(|(metric, _)| metrics.contains(metric));
        flags.map(|(_, flag)| *flag).reduce(|a, b| a | b)
    }
}

/// What is to be seen of the decision from outside.
pub(super) struct Decision<'m> {
    /// Where it is.
    pub state: Machine<'m>,
    /// Whether it is in one of its states.
    pub is_somewhere: Expr<'m>,
    /// Whether a threshold is compared with, or made ready for it.
    pub compares: Expr<'m>,
    /// Whether nothing is multiplied.
    pub rests: Expr<'m>,
    /// Whether the last threshold is compared with.
    pub ends: Expr<'m>,
    /// The band, where `ends` is 1.
    pub band: Expr<'m>,
    /// Digits that are left of the factor that is multiplied by, and how many a factor has at most.
    pub digits: (Expr<'m>, u32),
    /// The position of the next threshold, and how many thresholds are met, if there are several.
    pub several: Option<(Expr<'m>, Expr<'m>)>,
}

const SIMILARITIES: [Metric; 2] = [Metric::Cosine, Metric::Correlation];
/// Those in which the threshold itself counts.
const LINEAR: [Metric; 2] = [Metric::L1, Metric::NormalisedL1];
/// Those in which the square of the threshold counts.
const SQUARED: [Metric; 4] =
    [Metric::Cosine, Metric::Correlation, Metric::L2, Metric::NormalisedL2];

/// Registers between the multiplications.
struct Operands<'m> {
    /// What thresholds are multiplied with, of which the metrics are the quotient.
    right: Signal<'m>,
    /// The dividend.
    left: Signal<'m>,
    /// The threshold that is squared.
    threshold: Option<Signal<'m>>,
    /// No threshold is met, whatever the sums say.
    refused: Option<Signal<'m>>,
}

pub(super) fn decide<'m>(
    m: &'m ModuleBuilder,
    p: &CoherenceMetricParameters,
    whole: &Whole<'m>,
    (take, load): (Expr<'m>, Expr<'m>),
) -> Decision<'m> {
    let sizes = Sizes::new(p);
    let similarity = whole.is_any(&SIMILARITIES);
    let correlation = whole.is_any(&[Metric::Correlation]);
    let squared = whole.is_any(&SQUARED);
    let mut states = vec!["Idle", "Start"];
    if correlation.is_some() {
        states.extend(["Means", "Covariance", "MeanA", "VarianceA", "MeanB", "VarianceB"]);
    }
    if similarity.is_some() {
        states.extend(["Right", "Left"]);
    }
    if squared.is_some() {
        states.push("Square");
    }
    states.extend(["Scale", "Compare", "Done"]);
    let state = m.state_machine("state", &states);
    let is_somewhere =
        states.iter().map(|name| state.is(name)).reduce(|any, is| any | is).expect("it has some");

    let operands = Operands {
        right: m.register("right", sizes.right).doc("divisor of the metric"),
        left: m.register("left", sizes.left).doc("dividend of the metric"),
        threshold: squared.map(|_| m.register("threshold", uint(sizes.threshold))),
        refused: similarity.map(|_| m.register("refused", bit()).doc("no threshold is met")),
    };
    let multiplicand = multiplicand(&sizes, whole, &state, &operands);
    let signed = correlation.map(|_| {
        ["MeanA", "MeanB"].iter().fold(state.is("Means"), |any, name| any | state.is(name))
    });
    let multiplier = Multiplier::new(m, sizes, state, multiplicand, signed);
    let state = &multiplier.state;

    // Which threshold is next, and how many are met.
    let several = (p.bands > 2).then(|| {
        let ty = uint(index_width(p.bands));
        (m.register("next_threshold", ty), m.register("thresholds_met", ty))
    });
    let position = several.map(|(next, _)| next.expr());
    let threshold = effective(p, &whole.thresholds, position, whole.band_before, similarity);

    let idle = ["Idle", "Start", "Compare", "Done"].map(|name| state.is(name));
    let rests = idle.into_iter().reduce(|a, b| a | b).expect("there are some").named("rests");
    m.when(!rests, || multiplier.step());
    let is_last = position.map_or(m.constant(1, bit()), |next| next.eq(p.bands - 1));
    let met = compare(m, whole, &multiplier, &operands).named("is_met");
    let ends = (state.is("Compare") & is_last).named("decided");
    let is_distance = similarity.map_or(whole.always, |similarity| !similarity);
    let mut turns = (state.is("Start") & is_distance) | (state.is("Compare") & !is_last);
    if similarity.is_some() {
        turns = turns | (state.is("Left") & multiplier.at_last);
    }
    state.switch(|arms| {
        arms.case("Start", || start(m, whole, &multiplier, &operands));
        if correlation.is_some() {
            variances(m, whole, &multiplier, &operands, arms);
        }
        if similarity.is_some() {
            arms.case("Right", || right(m, whole, &multiplier, &operands));
            arms.case("Left", || {
                let digits = multiplier.sizes.value_digits;
                m.when(multiplier.at_last, || {
                    operands.left.set(multiplier.product(digits, operands.left.ty()));
                });
            });
        }
        if squared.is_some() {
            arms.case("Square", || {
                let sizes = &multiplier.sizes;
                let square = multiplier.product(sizes.threshold_digits, sizes.square);
                m.when(multiplier.at_last, || {
                    let zero = m.constant(0, bit());
                    multiplier.begin("Scale", square, sizes.scale_digits, zero);
                });
            });
        }
        arms.case("Scale", || {
            m.when(multiplier.at_last, || state.goto("Compare"));
        });
        arms.case("Compare", || match several {
            Some((_, count)) => {
                count.set((count + met).truncate(count.width()));
                m.when(is_last, || state.goto("Done"));
            }
            None => state.goto("Done"),
        });
        arms.default(|| {
            m.when(load, || state.goto("Start")).or_when(take, || state.goto("Idle"));
        });
    });
    m.when(turns.named("begins_threshold"), || {
        begin_threshold(m, whole, &multiplier, &operands, threshold);
        if let Some((next, _)) = several {
            next.set((next + 1).truncate(next.width()));
        }
    });
    let mut compares = state.is("Scale") | state.is("Compare");
    if squared.is_some() {
        compares = compares | state.is("Square");
    }
    // A result stays until the next vector.
    m.when(load, || {
        if let Some((next, count)) = several {
            next.set(0);
            count.set(0);
        }
    });
    let band = match several {
        Some((_, count)) => (count + met).truncate(count.width()),
        None => met,
    };
    let digits = (multiplier.digits.expr(), multiplier.sizes.most_digits());
    let several = several.map(|(next, count)| (next.expr(), count.expr()));
    Decision {
        is_somewhere,
        compares,
        rests,
        ends,
        band: whole.first.mux(0, band),
        digits,
        several,
        state: multiplier.state,
    }
}

/// Begins to square the threshold, or to multiply the divisor by it.
fn begin_threshold<'m>(
    m: &'m ModuleBuilder,
    whole: &Whole<'m>,
    multiplier: &Multiplier<'m>,
    operands: &Operands<'m>,
    threshold: Expr<'m>,
) {
    let sizes = &multiplier.sizes;
    let begin =
        |state: &str, digits| multiplier.begin(state, threshold, digits, m.constant(0, bit()));
    let scale = || begin("Scale", sizes.scale_digits);
    let Some(register) = operands.threshold else { return scale() };
    let square = || {
        register.set(threshold);
        begin("Square", sizes.threshold_digits);
    };
    match whole.is_any(&LINEAR) {
        Some(is_linear) => m.when(is_linear, scale).otherwise(square),
        None => square(),
    }
}

/// What the digits of a factor are multiplied with, in each state.
fn multiplicand<'m>(
    sizes: &Sizes,
    whole: &Whole<'m>,
    state: &Machine<'m>,
    operands: &Operands<'m>,
) -> Expr<'m> {
    let mut choice = operands.right.expr();
    if let Some(threshold) = operands.threshold {
        choice = state.is("Square").mux(threshold, choice);
    }
    if operands.refused.is_some() {
        let left = match whole.is_any(&[Metric::Correlation]) {
            // A negative one is refused.
            None => operands.left.truncate(sizes.value.width).as_unsigned(),
            Some(_) => operands.left.truncate(sizes.value.width + 1),
        };
        choice = state.is("Left").mux(left, choice);
    }
    if whole.is_any(&[Metric::Correlation]).is_some() {
        let (a, b) = whole.sum(Sum::Elements);
        let (aa, bb) = whole.sum(Sum::Squares);
        let (ab, _) = whole.sum(Sum::Products);
        choice = (state.is("Means") | state.is("MeanB")).mux(b, choice);
        choice = state.is("MeanA").mux(a, choice);
        choice = state.is("Covariance").mux(ab, choice);
        choice = state.is("VarianceA").mux(aa, choice);
        choice = state.is("VarianceB").mux(bb, choice);
    }
    choice.named("multiplicand")
}

/// Brings dividend and divisor of a distance to their places, and the factors of a similarity.
fn start<'m>(
    m: &'m ModuleBuilder,
    whole: &Whole<'m>,
    multiplier: &Multiplier<'m>,
    operands: &Operands<'m>,
) {
    let sizes = &multiplier.sizes;
    let cosine = || {
        let (aa, bb) = whole.sum(Sum::Squares);
        operands.right.set(aa.wrap(sizes.right));
        operands.left.set(whole.sum(Sum::Products).0.wrap(sizes.left));
        multiplier.begin("Right", bb, sizes.value_digits, m.constant(0, bit()));
    };
    // Less 1, so that the complement of the product is its negative.
    let correlation = || {
        let a = whole.sum(Sum::Elements).0;
        multiplier.begin("Means", a, sizes.sum_digits, m.constant(-1, sint(1)));
    };
    let distance = |(left, right): (Expr<'m>, Expr<'m>)| {
        operands.left.set(left.wrap(sizes.left));
        operands.right.set(right.wrap(sizes.right));
        if let Some(refused) = operands.refused {
            refused.set(0);
        }
    };
    let is = |metric: Metric| whole.is_any(&[metric]);
    match (is(Metric::Cosine), is(Metric::Correlation), distances(whole)) {
        (Some(_), None, None) => cosine(),
        (None, Some(_), None) => correlation(),
        (Some(is_cosine), Some(_), None) => m.when(is_cosine, cosine).otherwise(correlation),
        (Some(is_cosine), None, Some(other)) => {
            m.when(is_cosine, cosine).otherwise(|| distance(other));
        }
        (None, Some(is_correlation), Some(other)) => {
            m.when(is_correlation, correlation).otherwise(|| distance(other));
        }
        (Some(is_cosine), Some(is_correlation), Some(other)) => {
            let chain = m.when(is_cosine, cosine).or_when(is_correlation, correlation);
            chain.otherwise(|| distance(other));
        }
        (None, None, Some(other)) => distance(other),
        (None, None, None) => unreachable!("a metric is built in"),
    }
}

/// Dividend and divisor of the chosen distance or, where the threshold is squared, of its square;
/// none if no distance is built in.
fn distances<'m>(whole: &Whole<'m>) -> Option<(Expr<'m>, Expr<'m>)> {
    let is = |metric: Metric| whole.is_any(&[metric]);
    let squares = is(Metric::L2).or(is(Metric::NormalisedL2)).map(|_| {
        let (aa, bb) = whole.sum(Sum::Squares);
        let both = (aa + bb).named("sum_aa_and_bb");
        let twice = whole.sum(Sum::Products).0 << 1;
        (both, (both - twice).as_unsigned().named("sum_squared_difference"))
    });
    let mut chosen: Option<(Expr<'m>, Expr<'m>)> = None;
    for metric in [Metric::L1, Metric::L2, Metric::NormalisedL1, Metric::NormalisedL2] {
        let Some(flag) = is(metric) else { continue };
        let left = match (metric, squares) {
            (Metric::L2 | Metric::NormalisedL2, Some((_, difference))) => difference,
            _ => whole.sum(Sum::Differences).0,
        };
        let right = match (metric, squares) {
            (Metric::NormalisedL2, Some((both, _))) => both,
            (Metric::NormalisedL1, _) => {
                let (a, b) = whole.sum(Sum::Magnitudes);
                a + b
            }
            _ => whole.elements.expect("it is counted for this metric"),
        };
        chosen = Some(match chosen {
            Some((l, r)) => (flag.mux(left, l), flag.mux(right, r)),
            None => (left, right),
        });
    }
    chosen.map(|(left, right)| (left.named("distance"), right.named("distance_of")))
}

/// Three times a product of sums, and with its complement N times another sum.
fn variances<'m>(
    m: &'m ModuleBuilder,
    whole: &Whole<'m>,
    multiplier: &Multiplier<'m>,
    operands: &Operands<'m>,
    arms: &MachineSwitch<'_, 'm>,
) {
    let sizes = &multiplier.sizes;
    let elements = whole.elements.expect("it is counted for the correlation");
    let (a, b) = whole.sum(Sum::Elements);
    let means = multiplier.product(sizes.sum_digits, sizes.accumulator).named("product_of_means");
    let difference =
        multiplier.product(sizes.elements_digits, sizes.value.join(sint(sizes.value.width + 1)));
    let difference = difference.named("covariance_or_variance");
    for (means_state, state) in
        [("Means", "Covariance"), ("MeanA", "VarianceA"), ("MeanB", "VarianceB")]
    {
        arms.case(means_state, || {
            m.when(multiplier.at_last, || {
                multiplier.begin(state, elements, sizes.elements_digits, !means);
            });
        });
    }
    let next = |state: &str, sum: Expr<'m>| {
        multiplier.begin(state, sum, sizes.sum_digits, m.constant(-1, sint(1)));
    };
    arms.case("Covariance", || {
        m.when(multiplier.at_last, || {
            operands.left.set(difference.wrap(sizes.left));
            next("MeanA", a);
        });
    });
    arms.case("VarianceA", || {
        m.when(multiplier.at_last, || {
            operands.right.set(difference.wrap(sizes.right));
            next("MeanB", b);
        });
    });
    arms.case("VarianceB", || {
        m.when(multiplier.at_last, || {
            let variance = difference.truncate(sizes.value.width).as_unsigned();
            multiplier.begin("Right", variance, sizes.value_digits, m.constant(0, bit()));
        });
    });
}

/// The product below the line, and what makes a similarity none.
fn right<'m>(
    m: &'m ModuleBuilder,
    whole: &Whole<'m>,
    multiplier: &Multiplier<'m>,
    operands: &Operands<'m>,
) {
    let sizes = &multiplier.sizes;
    let (left, right) = (operands.left, operands.right);
    if let Some(refused) = operands.refused {
        let of_a = right.truncate(sizes.value.width).any().named("a_varies");
        let of_b = multiplier.factor.expr().any().named("b_varies");
        let mut wrong = left.msb() | of_a.ne(of_b);
        if whole.is_any(&[Metric::Correlation]).is_some() {
            let (a, b) = whole.sum(Sum::Elements);
            wrong = wrong | (!of_a & a.ne(b));
        }
        m.when(multiplier.digits.eq(sizes.value_digits - 1), || refused.set(wrong));
    }
    m.when(multiplier.at_last, || {
        right.set(multiplier.product(sizes.value_digits, sizes.right));
        let factor = left.truncate(sizes.value.width).as_unsigned();
        multiplier.begin("Left", factor, sizes.value_digits, m.constant(0, bit()));
    });
}

/// Whether the threshold is met, when its product with the divisor is there.
fn compare<'m>(
    m: &'m ModuleBuilder,
    whole: &Whole<'m>,
    multiplier: &Multiplier<'m>,
    operands: &Operands<'m>,
) -> Expr<'m> {
    let sizes = &multiplier.sizes;
    let low = multiplier.low(sizes.digit * sizes.scale_digits);
    let product = concat(m, &[multiplier.accumulator.expr(), low]).named("scaled_divisor");
    // The dividend, at the weight of the threshold's fraction.
    let left = |ty: Type, fraction: u32| operands.left.truncate(ty.width).as_unsigned() << fraction;
    let mut dividend: Option<Expr<'m>> = None;
    let classes = [
        (&LINEAR[..], sizes.sum_left, 8),
        (&SQUARED[2..], sizes.square_left, 16),
        (&SIMILARITIES[..], sizes.value_square, 32),
    ];
    for (metrics, ty, fraction) in classes {
        let Some(flag) = whole.is_any(metrics) else { continue };
        let left = left(ty, fraction);
        dividend = Some(dividend.map_or(left, |other| flag.mux(left, other)));
    }
    let dividend = dividend.expect("a metric is built in").named("scaled_dividend");
    let is_near = product.ge(dividend);
    let Some((similarity, refused)) = whole.is_any(&SIMILARITIES).zip(operands.refused) else {
        return is_near;
    };
    if whole.metrics.iter().all(|(metric, _)| SIMILARITIES.contains(metric)) {
        return !refused & product.le(dividend);
    }
    // Equal ones meet either kind; a bit below the others says which side they are on.
    let is_less = concat(m, &[dividend, m.constant(0, bit())])
        .lt(concat(m, &[product, !similarity]))
        .named("is_less");
    !refused & is_less.ne(similarity)
}
